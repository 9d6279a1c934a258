package store

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// Of a worker that claims a job and the client that cancels it, on two nodes,
// one wins: no cancelled job is ever carried out, no job at work cancelled.
func TestCancelAndClaimRace(t *testing.T) {
	onEach(t, func(r rig) {
		other := r.node()
		desk := &bridge.Desk{Docket: other, Now: time.Now}
		client := bridge.Actor{ClientID: "client", Scopes: []string{auth.ScopeWrite}}
		for range 30 {
			j := r.accepted("product:1")
			var (
				both                  sync.WaitGroup
				cancelled             bool
				claim                 bridge.Claim
				claimErr, cancelError error
			)
			both.Go(func() { claim, claimErr = r.Claim(context.Background(), j.ID, "node", someLease) })
			both.Go(func() { cancelled, cancelError = desk.Cancel(context.Background(), client, j.ID) })
			both.Wait()
			if cancelError != nil || claimErr != nil && !errors.Is(claimErr, bridge.ErrNotClaimable) {
				r.Fatalf("claim: %v, cancel: %v", claimErr, cancelError)
			}
			if cancelled == (claimErr == nil) {
				r.Fatalf("cancelled %t and claimed %t", cancelled, claimErr == nil)
			}
			want := schemas.Cancelled
			if !cancelled {
				want = schemas.Succeeded
				if err := r.Finish(r.Context(), claim, bridge.Ending{Status: want}); err != nil {
					r.Fatal(err)
				}
			}
			if got, err := r.Job(r.Context(), j.ID); err != nil || got.Status != want {
				r.Fatalf("job %s, %v; want %s", got.Status, err, want)
			}
		}
		// The target is free again whoever won.
		r.claimed(r.accepted("product:1"))
	})
}
