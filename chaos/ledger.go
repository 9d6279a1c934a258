package main

import (
	"encoding/json"
	"slices"
	"strconv"
	"sync"

	"github.com/prestashop-bridge/bridge/schemas"
)

// ledger is what the client knows: the answers to its intentions and the state
// of its jobs.
type ledger struct {
	mu       sync.Mutex
	all      []*intention
	jobs     []*intention   // accepted, in the order of their answers
	answers  map[string]int // to writes, by status code
	polls    map[string]int // answers to job polls, by status code
	replayed int            // intentions asked again at the end and answered right
}

// noAnswer is counted for a request whose connection broke.
const noAnswer = "no answer"

func newLedger(w *workload) *ledger {
	return &ledger{all: w.intentions, answers: map[string]int{}, polls: map[string]int{}}
}

func answerName(status int) string {
	if status == 0 {
		return noAnswer
	}
	return strconv.Itoa(status)
}

func (l *ledger) countAnswer(status int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answers[answerName(status)]++
}

func (l *ledger) countPoll(status int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.polls[answerName(status)]++
}

// accept notes an intention's job.
func (l *ledger) accept(in *intention, jobID string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	in.jobID = jobID
	l.jobs = append(l.jobs, in)
	close(in.answered)
}

// refuse notes a final no.
func (l *ledger) refuse(in *intention, why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	in.refusal = why
	close(in.answered)
}

// saw notes a job's state.
func (l *ledger) saw(in *intention, job schemas.Job) {
	l.mu.Lock()
	defer l.mu.Unlock()
	in.job = job
}

// repeated notes that an intention asked again named the same job.
func (l *ledger) repeated() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.replayed++
}

// open lists the intentions whose jobs have not been seen at their end.
func (l *ledger) open() []*intention {
	l.mu.Lock()
	defer l.mu.Unlock()
	var open []*intention
	for _, in := range l.jobs {
		if !in.job.Status.Terminal() {
			open = append(open, in)
		}
	}
	return open
}

// accepted lists the intentions that have a job.
func (l *ledger) accepted() []*intention {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.jobs)
}

// sums of an operation.
type sums struct {
	Sent        int `json:"sent"`
	Accepted    int `json:"accepted"`
	Succeeded   int `json:"succeeded"`
	Failed      int `json:"failed"`
	NeedsReview int `json:"needs_review"`
	Cancelled   int `json:"cancelled"`
	Open        int `json:"open"`
	Refused     int `json:"refused"`
	Unanswered  int `json:"unanswered"`
}

func (s *sums) count(in *intention) {
	s.Sent++
	switch {
	case in.refusal != "":
		s.Refused++
		return
	case in.jobID == "":
		s.Unanswered++
		return
	}
	s.Accepted++
	switch in.job.Status {
	case schemas.Succeeded:
		s.Succeeded++
	case schemas.Failed:
		s.Failed++
	case schemas.NeedsReview:
		s.NeedsReview++
	case schemas.Cancelled:
		s.Cancelled++
	default:
		s.Open++
	}
}

// sums adds up by operation; "" has the total.
func (l *ledger) sums() map[string]sums {
	l.mu.Lock()
	defer l.mu.Unlock()
	byOperation := map[string]sums{}
	for _, in := range l.all {
		for _, name := range []string{"", in.operation} {
			s := byOperation[name]
			s.count(in)
			byOperation[name] = s
		}
	}
	return byOperation
}

// outcome is the part of a job's result that is compared with the shop.
type outcome struct {
	Mail  string `json:"mail"` // of a status change
	Items []struct {
		Outcome string `json:"outcome"`
	} `json:"items"` // of an import
}

func (in *intention) outcome() outcome {
	var wire outcome
	if json.Unmarshal(in.job.Result, &wire) != nil {
		return outcome{} // no result, which a job that has not succeeded may have
	}
	return wire
}

// imported reports whether an import says of an item that it is in the shop.
func (o outcome) imported(item int) bool {
	return item < len(o.Items) && slices.Contains([]string{"created", "updated", "unchanged"}, o.Items[item].Outcome)
}
