package bridge

import (
	"context"
	"sync"
	"time"
)

const (
	// lookEvery is how often the jobs that somebody waits for are looked up.
	lookEvery = 200 * time.Millisecond
	// lookTimeout bounds one look; a database that does not answer by then is
	// reported to those who wait.
	lookTimeout = 5 * time.Second
)

// lookout watches the jobs that callers of one desk wait for: one question to
// the store for all of them at each tick, however many wait. Its goroutine and
// its timer exist only while somebody waits. The zero value is ready.
type lookout struct {
	mu      sync.Mutex
	waiting map[string]map[chan sighting]bool // by job id
	round   *round                            // nil while nobody waits
}

// round is the time from the first who waits to the last.
type round struct {
	over chan struct{} // closed when nobody waits any more
	hint chan struct{} // a job has just ended in this process: look now
}

// sighting is what one look showed of a job: its state, or that it is gone, or
// why nobody could look.
type sighting struct {
	state JobState
	gone  bool
	err   error
}

// join adds one who waits for a job. News holds the newest sighting only, and
// comes until leave is called.
func (l *lookout) join(jobs JobReader, id string) (news <-chan sighting, leave func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waiting == nil {
		l.waiting = map[string]map[chan sighting]bool{}
	}
	if l.waiting[id] == nil {
		l.waiting[id] = map[chan sighting]bool{}
	}
	mailbox := make(chan sighting, 1)
	l.waiting[id][mailbox] = true
	if l.round == nil {
		l.round = &round{over: make(chan struct{}), hint: make(chan struct{}, 1)}
		go l.watch(jobs, l.round)
	}
	return mailbox, func() { l.leave(id, mailbox) }
}

func (l *lookout) leave(id string, mailbox chan sighting) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.waiting[id], mailbox)
	if len(l.waiting[id]) == 0 {
		delete(l.waiting, id)
	}
	if len(l.waiting) == 0 {
		close(l.round.over)
		l.round = nil
	}
}

// wake has the next look happen now if anybody waits for the job.
func (l *lookout) wake(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waiting[id] == nil {
		return
	}
	select {
	case l.round.hint <- struct{}{}:
	default: // told already
	}
}

// watch looks at each tick until the round is over.
func (l *lookout) watch(jobs JobReader, r *round) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-r.over:
			return
		case <-tick.C:
		case <-r.hint:
		}
		l.look(jobs, r)
	}
}

// look asks the store once and tells those who waited before it was asked: of
// a job joined meanwhile the answer knows nothing.
func (l *lookout) look(jobs JobReader, r *round) {
	asked := l.present(r)
	if len(asked) == 0 {
		return
	}
	ids := make([]string, 0, len(asked))
	for id := range asked {
		ids = append(ids, id)
	}
	// The look belongs to all who wait, so no single one's context ends it.
	ctx, cancel := context.WithTimeout(context.Background(), lookTimeout)
	defer cancel()
	states, err := jobs.JobStates(ctx, ids)
	found := make(map[string]JobState, len(states))
	for _, state := range states {
		found[state.ID] = state
	}
	for id, mailboxes := range asked {
		state, known := found[id]
		for _, mailbox := range mailboxes {
			put(mailbox, sighting{state: state, gone: err == nil && !known, err: err})
		}
	}
}

// present copies who waits now; nobody when the round is over.
func (l *lookout) present(r *round) map[string][]chan sighting {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.round != r {
		return nil
	}
	asked := make(map[string][]chan sighting, len(l.waiting))
	for id, mailboxes := range l.waiting {
		for mailbox := range mailboxes {
			asked[id] = append(asked[id], mailbox)
		}
	}
	return asked
}

// put replaces what its owner has not taken yet. Only one goroutine puts into
// a mailbox, so there is room after the old sighting is out.
func put(mailbox chan sighting, s sighting) {
	select {
	case <-mailbox:
	default:
	}
	mailbox <- s
}
