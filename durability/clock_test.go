package durability

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/prestashop-bridge/bridge/schemas"
)

// TestClockThatJumps sets the clock back and forth by up to half an hour while
// jobs run and workers die. Leases then end too early or too late; the effect
// still happens once.
func TestClockThatJumps(t *testing.T) {
	data := newDatabases(t)
	rounds := roundsOf(t, 80)
	seed := seedOf(t)
	jumps := 0
	var all sync.WaitGroup
	var counted sync.Mutex
	slots := make(chan struct{}, abreast)
	for round := range rounds {
		all.Go(func() {
			inSlot(slots, func() {
				random := rand.New(rand.NewPCG(seed, uint64(round)))
				k := kinds[random.IntN(len(kinds))]
				f := troubles[random.IntN(4)] // none, not reached, applied then cut, applied then 500
				w, closeWorld := newWorld(t, data)
				defer closeWorld()
				w.maxAttempts = 100
				jobID := w.accept(t, k.operation, k.payload(w))
				w.shop.ResetEffects()
				end := f.begin(w, k)
				var mu sync.Mutex
				left := 8
				killed := func(string) bool {
					mu.Lock()
					defer mu.Unlock()
					if left > 0 && random.IntN(6) == 0 {
						left--
						w.clock.advance(time.Duration(random.IntN(3600)-1800) * time.Second)
						return false
					}
					return left > 0 && random.IntN(15) == 0
				}
				for turn := range 10 * maxTurns {
					w.turn(t, jobID, killed)
					end(turn)
					if w.job(t, jobID).Status.Terminal() {
						break
					}
					w.clock.advance(time.Minute)
				}
				counted.Lock()
				jumps += 8 - left
				counted.Unlock()
				job := w.job(t, jobID)
				ended(t, job, schemas.Succeeded)
				if wrong := judge(k, f, job, w.shop.Effects(), w.shop); wrong != "" {
					t.Errorf("seed %d, round %d: %s, %s: %s: %s", seed, round, k.name, f.name, wrong, story(job))
				}
			})
		})
	}
	all.Wait()
	t.Logf("%d jobs, %d jumps of the clock, seed %d", rounds, jumps, seed)
}
