package durability

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// TestTargetHasOneHolder lets an import take the product behind a reference at
// the very moment at which another job for that product is claimed: one of them
// gets it, never both.
func TestTargetHasOneHolder(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, databaseURL string) {
		n := openNode(t, openShop(t), nodeOptions{database: databaseURL})
		both := 0
		const rounds = 300
		for round := range rounds {
			product := fmt.Sprintf("product:%d", 1000+round)
			byReference, byID := n.queued(t, fmt.Sprintf("reference:r%d", round)), n.queued(t, product)
			first, err := n.store.Claim(t.Context(), byReference, "first", time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			var pair sync.WaitGroup
			start := make(chan struct{})
			var locked, claimed bool
			pair.Go(func() {
				<-start
				free, err := n.store.LockTarget(t.Context(), first, product)
				if err != nil {
					t.Errorf("LockTarget: %v", err)
				}
				locked = free
			})
			pair.Go(func() {
				<-start
				_, err := n.store.Claim(t.Context(), byID, "second", time.Minute)
				if err != nil && !errors.Is(err, bridge.ErrNotClaimable) {
					t.Errorf("Claim: %v", err)
				}
				claimed = err == nil
			})
			close(start)
			pair.Wait()
			if locked && claimed {
				both++
			}
		}
		if both > 0 {
			t.Errorf("in %d of %d rounds two jobs held the same product", both, rounds)
		}
	})
}

// queued puts a job for a target into the store.
func (n *node) queued(t testing.TB, target string) string {
	t.Helper()
	job := bridge.Job{
		ID: newID(), Kind: bridge.OpUpdateProduct, ClientID: writer.ClientID, RequestID: uuid.NewString(), Status: schemas.Accepted,
		Payload: json.RawMessage(`{}`), Targets: []string{target}, MaxAttempts: 5, AcceptedAt: time.Now(),
	}
	if _, err := n.store.Accept(t.Context(), job, job.ID); err != nil {
		t.Fatal(err)
	}
	return job.ID
}
