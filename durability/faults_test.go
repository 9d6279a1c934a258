package durability

import (
	"sync/atomic"
	"time"

	"github.com/prestashop-bridge/bridge/prestashop/sandbox"
	"github.com/prestashop-bridge/bridge/schemas"
)

// trouble is a column of the table: what the shop does to the call that
// matters.
type trouble struct {
	name string
	want schemas.JobStatus
	// begin sets the fault up; end is called after each turn, before time
	// passes.
	begin func(w *world, k kind) (end func(turn int))
	// twin names a trouble that is the same to the bridge; the kill points of
	// this one are only walked with DURABILITY_LONG.
	twin string
}

// impatient is a call's timeout where the answer comes late. It passes on the
// wall clock, so it is short; not so short that a busy machine's ordinary
// answers run into it often, although nothing would be wrong if they did.
const impatient = 400 * time.Millisecond

// downTurns is for how many turns of a worker a shop that goes down stays so.
const downTurns = 3

// never is not closed: only the caller's patience ends the wait.
var never = make(chan struct{})

var troubles = []trouble{
	{"none", schemas.Succeeded, nothing, ""},
	{"not reached", schemas.Succeeded, once(sandbox.NotReached()), ""},
	{"applied then cut", schemas.Succeeded, once(sandbox.ApplyThenCut()), ""},
	{"applied then 500", schemas.Succeeded, once(sandbox.ApplyThenStatus(500)), ""},
	{"applied then answered past the timeout", schemas.Succeeded, func(w *world, k kind) func(int) {
		w.callTimeout = impatient
		return once(sandbox.ApplyThenDelay(sandbox.Until(never)))(w, k)
	}, ""},
	{"applied past the timeout", schemas.Succeeded, appliedLate, ""},
	{"applied then half an answer", schemas.Succeeded, once(sandbox.ApplyThenTruncate()), "applied then cut"},
	{"502 of a proxy", schemas.Succeeded, once(sandbox.Status(502)), "not reached"},
	{"refused", schemas.Failed, func(w *world, k kind) func(int) {
		w.shop.Inject(sandbox.Fault{Method: k.method, Resource: k.resource, Act: sandbox.Refuse(400, 84)})
		return func(int) {}
	}, ""},
	{"down from the write on", schemas.Succeeded, goesDown, ""},
	{"down from the start", schemas.Succeeded, func(w *world, _ kind) func(int) {
		up := w.shop.Inject(sandbox.Fault{Act: sandbox.Down()})
		return func(turn int) {
			if turn == downTurns {
				up()
			}
		}
	}, "down from the write on"},
}

func nothing(*world, kind) func(int) { return func(int) {} }

// once strikes the first call of the kind and no other.
func once(act sandbox.Action) func(*world, kind) func(int) {
	return func(w *world, k kind) func(int) {
		w.shop.Inject(sandbox.Fault{Method: k.method, Resource: k.resource, Nth: 1, Act: act})
		return func(int) {}
	}
}

// appliedLate carries the first call out only after its worker has given it up,
// which the shop's own stack does when a connection is cut under it.
func appliedLate(w *world, k kind) func(int) {
	w.callTimeout = impatient
	release := make(chan struct{})
	w.shop.Inject(sandbox.Fault{Method: k.method, Resource: k.resource, Nth: 1, Act: sandbox.DelayThenApply(sandbox.Until(release))})
	var struck, released atomic.Bool
	w.front.late = func(c callSeen) bool {
		return c.method == k.method && c.resource == k.resource && struck.CompareAndSwap(false, true)
	}
	return func(int) {
		if struck.Load() && released.CompareAndSwap(false, true) {
			close(release)
			w.front.settle()
		}
	}
}

// goesDown takes the shop down with the first call of the kind, unexecuted.
func goesDown(w *world, k kind) func(int) {
	var up func()
	var downFor int
	w.front.before = func(c callSeen) {
		if up == nil && c.method == k.method && c.resource == k.resource {
			up = w.shop.Inject(sandbox.Fault{Act: sandbox.Down()})
		}
	}
	return func(int) {
		w.front.hooks.Lock()
		defer w.front.hooks.Unlock()
		if up == nil {
			return
		}
		if downFor++; downFor == downTurns {
			up()
		}
	}
}
