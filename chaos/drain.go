package main

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// drain polls every open job until it is terminal or the time is up. The
// processes are all up by then, and nothing strikes any more.
func (c *caller) drain(ctx context.Context, limit time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		open := c.ledger.open()
		if len(open) == 0 {
			return
		}
		c.each(open, func(in *intention) { c.look(ctx, in) })
		if sleep(ctx, time.Second/2) != nil {
			return
		}
	}
}

// askAgain sends every accepted intention once more under its request id: it
// must be told of the same job, and nothing may happen. It gives those that
// were not.
func (c *caller) askAgain(ctx context.Context) []finding {
	var mu sync.Mutex
	var wrong []finding
	c.each(c.ledger.accepted(), func(in *intention) {
		jobID, refusal, answered := c.answerTo(ctx, in)
		if jobID == in.jobID {
			c.ledger.repeated()
			return
		}
		mu.Lock()
		defer mu.Unlock()
		wrong = append(wrong, finding{faultReplay, in, fmt.Sprintf("asked again: job %q, refusal %q, answered %v", jobID, refusal, answered)})
	})
	return wrong
}

// answerTo asks until there is an answer; a storm leaves connections behind
// that break at their next use.
func (c *caller) answerTo(ctx context.Context, in *intention) (jobID, refusal string, answered bool) {
	var pause time.Duration
	for try := range 10 {
		if jobID, refusal, pause = c.ask(ctx, in, try); jobID != "" || refusal != "" {
			return jobID, refusal, true
		}
		_ = sleep(ctx, pause)
	}
	return "", "", false
}

// each does something to every intention, a few at a time.
func (c *caller) each(all []*intention, do func(*intention)) {
	var working sync.WaitGroup
	next := make(chan *intention)
	for range 4 {
		working.Go(func() {
			for in := range next {
				do(in)
			}
		})
	}
	for _, in := range all {
		next <- in
	}
	close(next)
	working.Wait()
}
