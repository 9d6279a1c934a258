package durability

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/prestashop/sandbox"
	"github.com/prestashop-bridge/bridge/schemas"
)

// abreast is how many cases of the table run at once: more than there are
// cores, because some cases wait for a client's timeout.
var abreast = 4 * runtime.GOMAXPROCS(0)

// TestOneEffectWhereverTheWorkerDies is the table: every kind of step, every
// trouble of the shop, and the worker killed at every event the job passes
// through over all its lives.
func TestOneEffectWhereverTheWorkerDies(t *testing.T) {
	data := newDatabases(t)
	began := time.Now()
	var cases, calls, same, left atomic.Int64
	slots := make(chan struct{}, abreast)
	var all sync.WaitGroup
	for _, k := range kinds {
		for _, f := range troubles {
			all.Go(func() {
				var whole outcome
				inSlot(slots, func() { whole = runCase(t, data, k, f, 5, nil) })
				cases.Add(1)
				for at := range whole.events {
					switch {
					case !thorough() && (f.twin != "" || nothingSince(whole.events, at)):
						same.Add(1)
						continue
					case testing.Short() && at%5 != len(k.name+f.name)%5:
						left.Add(1)
						continue
					}
					all.Go(func() {
						inSlot(slots, func() {
							one := runCase(t, data, k, f, 5, killAt(at+1))
							calls.Add(int64(one.calls))
						})
						cases.Add(1)
					})
				}
			})
		}
	}
	all.Wait()
	t.Logf("%d cases (%d kinds of step, %d troubles), %d calls of the shop, in %v", cases.Load(), len(kinds), len(troubles), calls.Load(), time.Since(began).Round(time.Millisecond))
	if same.Load() > 0 {
		t.Logf("%d more kill points leave the same database and the same shop as one of these; DURABILITY_LONG=1 walks them all", same.Load())
	}
	if left.Load() > 0 {
		t.Logf("-short: %d of the kill points were left out", left.Load())
	}
}

// TestOneEffectHoweverOftenWorkersDie kills worker after worker, at random. The
// jobs may be sent often, as each death with a call under way counts as one.
func TestOneEffectHoweverOftenWorkersDie(t *testing.T) {
	data := newDatabases(t)
	rounds := roundsOf(t, 200)
	seed := seedOf(t)
	var deaths atomic.Int64
	slots := make(chan struct{}, abreast)
	var all sync.WaitGroup
	for round := range rounds {
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }() // also when the case ends the goroutine
			random := rand.New(rand.NewPCG(seed, uint64(round)))
			k, f := kinds[random.IntN(len(kinds))], troubles[random.IntN(len(troubles))]
			one := runCase(t, data, k, f, 100, func(int) bool {
				if random.IntN(12) > 0 {
					return false
				}
				deaths.Add(1)
				return true
			})
			if one.bad {
				t.Logf("seed %d, round %d", seed, round)
			}
		})
	}
	all.Wait()
	t.Logf("%d jobs, %d deaths of workers, seed %d", rounds, deaths.Load(), seed)
}

func inSlot(slots chan struct{}, work func()) {
	slots <- struct{}{}
	defer func() { <-slots }() // also when the case ends the goroutine
	work()
}

// nothingSince reports whether a worker that dies at this event leaves the very
// world it would have left at an earlier one that is walked: just before a
// write is the same moment as just after the one before it, as reads of the
// shop change neither side, and what the worker had in mind dies with it. A
// write that was never answered has no event of its own after it, so the event
// that follows is walked.
func nothingSince(events []string, at int) bool {
	if at == 0 {
		return false
	}
	verb, _, _ := strings.Cut(events[at], " ")
	switch verb {
	case "answer":
		return strings.HasPrefix(events[at], "answer GET")
	case "claimed", "locked", "journalled", "released", "finished":
		return false
	}
	before := events[at-1]
	return !strings.HasPrefix(before, "call ") || strings.HasPrefix(before, "call GET")
}

// thorough asks for everything, however long it takes.
func thorough() bool { return os.Getenv("DURABILITY_LONG") != "" }

// killAt kills the worker that is alive at the nth event.
func killAt(n int) func(int) bool { return func(event int) bool { return event == n } }

// outcome is what a case came to.
type outcome struct {
	events []string // all lives together
	calls  int
	bad    bool
}

// runCase carries one job through its lives and judges the end. killed is asked
// at each event, counted from 1 over all lives; nil kills nobody.
func runCase(t *testing.T, data *databases, k kind, f trouble, attempts int, killed func(event int) bool) outcome {
	w, closeWorld := newWorld(t, data)
	defer closeWorld()
	w.maxAttempts = attempts
	jobID := w.accept(t, k.operation, k.payload(w))
	w.shop.ResetEffects()
	end := f.begin(w, k)

	var mu sync.Mutex
	var out outcome
	var dead []string
	job := w.finish(t, jobID, func(event string) bool {
		mu.Lock()
		defer mu.Unlock()
		out.events = append(out.events, event)
		if killed == nil || !killed(len(out.events)) {
			return false
		}
		dead = append(dead, fmt.Sprintf("%q (event %d)", event, len(out.events)))
		return true
	}, end)
	w.front.settle()

	effects := w.shop.Effects()
	out.calls = len(effects.Requests)
	if wrong := judge(k, f, job, effects, w.shop); wrong != "" {
		out.bad = true
		t.Errorf("%s, %s, killed at %s: %s\n\tjob: %s\n\twrites: %v", k.name, f.name, strings.Join(dead, ", "), wrong, story(job), effects.Writes)
	}
	return out
}

// judge holds the job's word against the shop's counters: exactly one effect,
// none where the shop refused, at most one where the job cannot know.
func judge(k kind, f trouble, job bridge.Job, effects sandbox.Effects, shop *sandbox.Shop) string {
	target := effects.Count(k.method, k.resource, 0)
	switch {
	case job.Status != f.want:
		return fmt.Sprintf("the job ended %s, want %s", job.Status, f.want)
	case len(effects.Overlaps) > 0:
		return fmt.Sprintf("writes overlapped: %v", effects.Overlaps)
	case len(effects.Mails) > k.mails, effects.Histories > k.histories, effects.Images > k.images, target > k.writes, len(effects.Writes) > k.writes:
		return fmt.Sprintf("more than one effect: %d writes, %d histories, %d images, %d mails", target, effects.Histories, effects.Images, len(effects.Mails))
	case job.Status != schemas.Succeeded && (job.Error == nil || job.Error.Message == ""):
		return "it ended without a word"
	case job.Status == schemas.Failed && len(effects.Writes) > 0:
		return "it says failed, and the shop was changed"
	case job.Status != schemas.Succeeded:
		return ""
	case len(effects.Mails) != k.mails, effects.Histories != k.histories, effects.Images != k.images, target != k.writes:
		return fmt.Sprintf("an effect is missing: %d writes, %d histories, %d images, %d mails", target, effects.Histories, effects.Images, len(effects.Mails))
	case job.Progress.Done != job.Progress.Total:
		return fmt.Sprintf("it succeeded with progress %+v", job.Progress)
	}
	return k.wrong(shop)
}
