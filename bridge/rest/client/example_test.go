package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/google/uuid"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/bridge/rest/client"
)

// What docs/rest.md shows.
func Example() {
	c := &client.Client{
		BaseURL:  os.Getenv("BRIDGE_URL"),
		ClientID: os.Getenv("OAUTH_CLIENT_ID"), ClientSecret: os.Getenv("OAUTH_CLIENT_SECRET"), HMACSecret: os.Getenv("HMAC_SECRET_CURRENT"),
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()

	// Keep the id: calling again with it is safe, whatever happened to the answer.
	id := uuid.NewString()
	answer, err := c.Do(ctx, bridge.OpUpdateProduct, id, []byte(`{"product_id":1,"updates":{"price_ht":25.5}}`))
	var refused *client.Refusal
	switch {
	case errors.As(err, &refused):
		log.Fatal(refused.Problem.ErrorCode, refused.Problem.Rule, refused.Problem.Fix)
	case err != nil:
		log.Fatal("not known yet, ask again with ", id, ": ", err)
	}
	end := answer.Finished
	if end == nil { // accepted, not done
		waited, err := c.Wait(ctx, answer.Accepted.JobID)
		if err != nil {
			log.Fatal("not known yet, follow ", answer.Accepted.JobID, ": ", err)
		}
		end = &waited
	}
	fmt.Println(end.Job.Status, end.Succeeded())
}
