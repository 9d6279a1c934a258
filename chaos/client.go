package main

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/bridge/rest/client"
	"github.com/prestashop-bridge/bridge/schemas"
)

// senders is how many requests the client has under way at once.
const senders = 12

// caller is the client of a storm: it knows every REST node and turns to the
// next whenever one does not answer.
type caller struct {
	doors  []*client.Client
	ledger *ledger
	cutter *cutter
}

func newCaller(urls []string, l *ledger, rng *rand.Rand) *caller {
	cutter := &cutter{below: &http.Transport{MaxIdleConnsPerHost: senders}, rng: rng}
	c := &caller{ledger: l, cutter: cutter}
	for _, url := range urls {
		c.doors = append(c.doors, &client.Client{
			BaseURL: url, ClientID: clientID, ClientSecret: clientSecret, HMACSecret: hmacSecret,
			HTTP: &http.Client{Transport: cutter, Timeout: 10 * time.Second},
			// Once only: which node is asked next, and when, is decided here.
			Attempts: 1,
		})
	}
	return c
}

// sendAll delivers every intention at its time, counted from begin.
func (c *caller) sendAll(ctx context.Context, begin time.Time, all []*intention) {
	var sending sync.WaitGroup
	due := make(chan *intention)
	for range senders {
		sending.Go(func() {
			for in := range due {
				c.deliver(ctx, in)
			}
		})
	}
	for _, in := range all {
		if sleep(ctx, time.Until(begin.Add(in.at))) != nil {
			break
		}
		due <- in
	}
	close(due)
	sending.Wait()
}

// deliver sends an intention until it is answered for good, always under the
// same request id.
func (c *caller) deliver(ctx context.Context, in *intention) {
	if in.after != nil {
		// It was taken up by another sender before this one was.
		select {
		case <-in.after.answered:
		case <-ctx.Done():
			return
		}
	}
	for try := 0; ctx.Err() == nil; try++ {
		jobID, refusal, pause := c.ask(ctx, in, try)
		switch {
		case jobID != "":
			c.ledger.accept(in, jobID)
			return
		case refusal != "":
			c.ledger.refuse(in, refusal)
			return
		}
		_ = sleep(ctx, pause)
	}
}

// longestPause is how long a Retry-After is obeyed: a storm is short.
const longestPause = time.Second

// ask sends an intention once: the answer is its job, a final no, or how long
// to wait.
func (c *caller) ask(ctx context.Context, in *intention, try int) (jobID, refusal string, pause time.Duration) {
	door := c.doors[(int(in.requestID[0])+try)%len(c.doors)]
	answer, err := door.Do(ctx, in.operation, in.requestID, in.payload)
	status, refused := statusOf(answer, err)
	if ctx.Err() == nil {
		c.ledger.countAnswer(status)
	}
	switch {
	case answer.Accepted != nil:
		return answer.Accepted.JobID, "", 0
	case answer.Finished != nil:
		return answer.Finished.Job.JobID, "", 0
	case refused == nil:
		return "", "", pauseAfter(try)
	case refused.Problem.ErrorCode == string(bridge.CodeKnownFailedReplay):
		return embeddedJob(refused), "", 0
	case passing(status):
		return "", "", min(max(refused.RetryAfter, pauseAfter(try)), longestPause)
	}
	return "", refused.Error(), 0
}

// statusOf gives an answer's status, 0 when there was none.
func statusOf(answer client.Response, err error) (int, *client.Refusal) {
	var refused *client.Refusal
	switch {
	case err == nil:
		return answer.Status, nil
	case errors.As(err, &refused):
		return refused.Status, refused
	}
	return 0, nil
}

// passing reports whether a refusal may be gone in a moment. A 500 is: the
// bridge has answered without knowing, and only asking again tells.
func passing(status int) bool {
	return status == http.StatusTooManyRequests || status >= http.StatusInternalServerError
}

func pauseAfter(try int) time.Duration {
	return 20*time.Millisecond<<min(try, 4) + rand.N(50*time.Millisecond)
}

func embeddedJob(refused *client.Refusal) string {
	var job schemas.Job
	_ = json.Unmarshal(refused.Problem.Job, &job)
	return job.JobID
}

// look polls a job once.
func (c *caller) look(ctx context.Context, in *intention) {
	door := c.doors[rand.IntN(len(c.doors))]
	answer, err := door.Do(ctx, bridge.OpGetJobStatus, "", []byte(`{"job_id":"`+in.jobID+`"}`))
	if ctx.Err() != nil {
		return
	}
	status, _ := statusOf(answer, err)
	c.ledger.countPoll(status)
	var job schemas.Job
	if err == nil && json.Unmarshal(answer.Body, &job) == nil && job.JobID == in.jobID {
		c.ledger.saw(in, job)
	}
}

// watch polls the open jobs in turn, with a pause between two polls.
func (c *caller) watch(ctx context.Context, pause time.Duration) {
	for sleep(ctx, pause) == nil {
		for _, in := range c.ledger.open() {
			c.look(ctx, in)
			if sleep(ctx, pause) != nil {
				return
			}
		}
	}
}
