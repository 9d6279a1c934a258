package sandbox

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// Request is one request as the shop received it.
type Request struct {
	Method   string
	Path     string // as sent, with /api
	Query    string
	Resource string // first segment below /api
	Body     []byte // at most its first MiB
	Time     time.Time
	Fault    string // name of the fault that struck, "" if none
	Applied  int    // how often the shop executed it
	Status   int    // what was answered, 0 if nothing was
	// Took is how long the shop needed until its answer was ready, by the
	// process's own clock; 0 if there was none.
	Took time.Duration
}

// Write is one row written through the webservice.
type Write struct {
	Method   string
	Resource string
	ID       int
}

// Mail is one mail to a customer.
type Mail struct {
	OrderID  int
	Template string
	To       string
}

// Overlap is a write that began while another one to the same product or order
// was being executed.
type Overlap struct {
	Target string // "product 7" or "order 3"
	Time   time.Time
}

// Effects is a snapshot of what has happened through the webservice. What the
// back office did (Sell, SetStock and so on) is not in it.
type Effects struct {
	Requests  []Request
	Writes    []Write
	Histories int // history rows written
	Images    int // images stored
	Mails     []Mail
	Overlaps  []Overlap
}

// Count counts writes. An empty method or resource and an id of 0 match any.
func (e Effects) Count(method, resource string, id int) int {
	n := 0
	for _, w := range e.Writes {
		if (method == "" || w.Method == method) && (resource == "" || w.Resource == resource) && (id == 0 || w.ID == id) {
			n++
		}
	}
	return n
}

// Received counts requests by method and resource; empty matches any.
func (e Effects) Received(method, resource string) int {
	n := 0
	for _, r := range e.Requests {
		if (method == "" || r.Method == method) && (resource == "" || r.Resource == resource) {
			n++
		}
	}
	return n
}

// Effects gives a snapshot of the counters.
func (s *Shop) Effects() Effects {
	l := &s.effects
	l.mu.Lock()
	defer l.mu.Unlock()
	out := l.seen
	for _, entry := range l.log {
		out.Requests = append(out.Requests, *entry)
	}
	out.Writes = slices.Clone(l.seen.Writes)
	out.Mails = slices.Clone(l.seen.Mails)
	out.Overlaps = slices.Clone(l.seen.Overlaps)
	return out
}

// Mails lists the mails sent to customers.
func (s *Shop) Mails() []Mail { return s.Effects().Mails }

// ResetEffects sets the counters back to nothing, for a test that has
// prepared its shop through the webservice.
func (s *Shop) ResetEffects() {
	s.effects.mu.Lock()
	defer s.effects.mu.Unlock()
	s.effects.seen, s.effects.log = Effects{}, nil
}

// ledger counts. Its lock may be taken while the shop's is held, never the
// other way round.
type ledger struct {
	mu   sync.Mutex
	seen Effects // without Requests, which are in log
	log  []*Request
	busy map[string]int // target → writes being executed
}

// A demo may run for weeks, so the log keeps the latest requests only, and of
// a picture only its beginning.
const (
	mostLogged    = 20_000
	longestLogged = 1 << 20
)

// received logs a request and gives a function that notes its outcome.
func (l *ledger) received(r Request) (done func(applied, status int)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	entry, came := &r, time.Now()
	if len(entry.Body) > longestLogged {
		entry.Body = slices.Clone(entry.Body[:longestLogged])
	}
	if len(l.log) >= mostLogged {
		l.log = slices.Clone(l.log[mostLogged/2:])
	}
	l.log = append(l.log, entry)
	return func(applied, status int) {
		l.mu.Lock()
		defer l.mu.Unlock()
		entry.Applied, entry.Status = applied, status
		if status != 0 {
			entry.Took = time.Since(came)
		}
	}
}

func (l *ledger) wrote(method, resource string, id int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen.Writes = append(l.seen.Writes, Write{method, resource, id})
}

func (l *ledger) history() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen.Histories++
}

func (l *ledger) image() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen.Images++
}

func (l *ledger) mailed(m Mail) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen.Mails = append(l.seen.Mails, m)
}

// begin marks targets as being written, and notes an overlap for each that
// already is. The function it gives ends the marks.
func (l *ledger) begin(targets map[string]bool, now time.Time) (end func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.busy == nil {
		l.busy = map[string]int{}
	}
	names := slices.Sorted(maps.Keys(targets))
	for _, t := range names {
		if l.busy[t] > 0 {
			l.seen.Overlaps = append(l.seen.Overlaps, Overlap{t, now})
		}
		l.busy[t]++
	}
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, t := range names {
			if l.busy[t]--; l.busy[t] == 0 {
				delete(l.busy, t)
			}
		}
	}
}
