package sandbox

import (
	"context"
	"sync"
	"time"
)

// Fault is one rule: which requests it strikes, and how.
type Fault struct {
	// Method and Resource must match where they are not empty.
	Method   string
	Resource string
	// Match must report true where it is not nil.
	Match func(Request) bool
	// Nth strikes only the nth request that matches, counted from 1; 0
	// strikes all of them.
	Nth int
	// Act is what happens.
	Act Action
}

// Wait is something an Action waits for; make one with For or Until.
type Wait struct {
	release <-chan struct{}
	time    time.Duration
}

// For waits for a time.
func For(d time.Duration) Wait { return Wait{time: d} }

// Until waits for a channel to be closed, so that a test needs no sleep.
func Until(release <-chan struct{}) Wait { return Wait{release: release} }

// stage says what an action does to a request.
type stage struct {
	before  bool // wait before executing, whatever the client does
	within  bool // wait between reading and writing the row
	after   bool // wait with the answer
	execute int  // how often the request is executed
	drop    bool // close the connection instead of answering
	answer  func(in *incoming, real answer) answer
}

// Action is what a fault does; the functions below make them.
type Action struct {
	name  string
	stage stage
	wait  Wait
	down  bool
}

// String is the name the action has in the request log.
func (a Action) String() string { return a.name }

// NotReached closes the connection before the request is executed.
func NotReached() Action { return Action{name: "NotReached", stage: stage{drop: true}} }

// ApplyThenCut executes the request and closes the connection without an answer.
func ApplyThenCut() Action { return Action{name: "ApplyThenCut", stage: stage{execute: 1, drop: true}} }

// ApplyThenStatus executes the request and answers another status, with an
// empty HTML page as the shop's own crashes have.
func ApplyThenStatus(status int) Action {
	return Action{name: "ApplyThenStatus", stage: stage{execute: 1, answer: blank(status)}}
}

// ApplyThenDelay executes the request at once and answers late.
func ApplyThenDelay(w Wait) Action {
	return Action{name: "ApplyThenDelay", wait: w, stage: stage{execute: 1, after: true}}
}

// DelayThenApply executes the request late, even if the client has gone.
func DelayThenApply(w Wait) Action {
	return Action{name: "DelayThenApply", wait: w, stage: stage{execute: 1, before: true}}
}

// Slow makes the execution itself slow: the wait falls between reading the row
// and writing it back, so another save in that time loses or is lost.
func Slow(w Wait) Action {
	return Action{name: "Slow", wait: w, stage: stage{execute: 1, within: true}}
}

// Duplicate executes the request twice, as a proxy that retries would, and
// gives the second answer.
func Duplicate() Action { return Action{name: "Duplicate", stage: stage{execute: 2}} }

// Status answers a status without executing the request.
func Status(status int) Action { return Action{name: "Status", stage: stage{answer: blank(status)}} }

// Refuse answers a webservice error without executing the request.
func Refuse(status, code int) Action {
	return Action{name: "Refuse", stage: stage{answer: func(in *incoming, _ answer) answer {
		r := &run{req: in, query: parseQuery(in.query)}
		r.json = r.wantsJSON()
		out := r.renderer()
		body := out.errors([]trouble{{code, "Refused by the sandbox"}})
		return answer{status: status, content: out.contentType(), body: body}
	}}}
}

// Garbage answers 200 with a page of HTML without executing the request, as a
// proxy or a parked domain does.
func Garbage() Action {
	return Action{name: "Garbage", stage: stage{answer: func(*incoming, answer) answer {
		return answer{status: 200, content: htmlType, body: []byte("<!DOCTYPE html><html><body>It works!</body></html>")}
	}}}
}

// ApplyThenTruncate executes the request and sends only the first half of the
// answer's body.
func ApplyThenTruncate() Action {
	return Action{name: "ApplyThenTruncate", stage: stage{execute: 1, answer: func(_ *incoming, real answer) answer {
		real.body = real.body[:len(real.body)/2]
		return real
	}}}
}

// Down refuses every connection while it is injected.
func Down() Action { return Action{name: "Down", down: true, stage: stage{drop: true}} }

func blank(status int) func(*incoming, answer) answer {
	return func(*incoming, answer) answer { return answer{status: status, content: htmlType} }
}

// Inject adds a fault. It stays until the function it gives is called. Of
// several that match, the one injected first strikes.
func (s *Shop) Inject(f Fault) (remove func()) {
	b := &s.faults
	b.mu.Lock()
	defer b.mu.Unlock()
	rule := &rule{Fault: f}
	b.rules = append(b.rules, rule)
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		for i, have := range b.rules {
			if have == rule {
				b.rules = append(b.rules[:i:i], b.rules[i+1:]...)
				return
			}
		}
	}
}

// rule is an injected fault with its count of matches.
type rule struct {
	Fault
	matched int
}

// faultBox holds the injected faults.
type faultBox struct {
	mu    sync.Mutex
	rules []*rule
}

// isDown reports whether the shop takes no connections.
func (b *faultBox) isDown() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.rules {
		if r.Act.down && r.Method == "" && r.Resource == "" && r.Match == nil && r.Nth == 0 {
			return true
		}
	}
	return false
}

// pick gives the action for a request. Every rule counts its own matches.
func (b *faultBox) pick(req Request) Action {
	b.mu.Lock()
	defer b.mu.Unlock()
	found := Action{stage: stage{execute: 1}}
	struck := false
	for _, r := range b.rules {
		if r.Method != "" && r.Method != req.Method || r.Resource != "" && r.Resource != req.Resource {
			continue
		}
		if r.Match != nil && !r.Match(req) {
			continue
		}
		r.matched++
		if !struck && (r.Nth == 0 || r.Nth == r.matched) {
			found, struck = r.Act, true
		}
	}
	return found
}

// wait waits and reports whether it was not cut short by ctx or by the shop
// closing.
func (s *Shop) wait(ctx context.Context, w Wait) bool {
	var clock <-chan time.Time
	if w.release == nil {
		t := time.NewTimer(w.time)
		defer t.Stop()
		clock = t.C
	}
	select {
	case <-w.release:
		return true
	case <-clock:
		return true
	case <-ctx.Done():
	case <-s.quit.channel():
	}
	return false
}
