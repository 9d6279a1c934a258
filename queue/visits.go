package queue

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// A round trip to Redis costs both sides much the same for one question as for
// thirty, so what the requests and workers of this process ask while a trip is
// under way shares the next one. Nothing ever waits for company: a question
// that finds no trip under way leaves at once, where its caller stands.
//
// maxTrips is how many are under way at once: with a second, a caller seldom
// waits for an answer that is not his, and the trips are still well filled.
// maxParty bounds how many questions one answer has to wait for.
const (
	maxTrips = 2
	maxParty = 128
)

// question adds the commands of one caller to a pipeline and gives what tells,
// after the trip, whether they were answered as they should.
type question func(redis.Pipeliner) (fault func() error)

// passenger is a caller that waits for a trip.
type passenger struct {
	ctx  context.Context
	ask  question
	done chan error // has room for the one answer
}

// visits are the shared trips of one Queue.
type visits struct {
	redis    *redis.Client
	patience time.Duration // longest trip that was not bounded by its one caller

	mu      sync.Mutex
	waiting []*passenger
	trips   int
	running sync.WaitGroup
}

// share asks, alone or in company. When ctx ends first the question may still
// be carried out, as with any call whose answer is lost; nothing of it may be
// looked at then.
func (v *visits) share(ctx context.Context, ask question) error {
	me := &passenger{ctx: ctx, ask: ask, done: make(chan error, 1)}
	if v.board(me) {
		v.travel(ctx, []*passenger{me})
		v.leaveNext()
		return <-me.done
	}
	select {
	case err := <-me.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// board reports whether the passenger leaves at once; others wait.
func (v *visits) board(p *passenger) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.trips == maxTrips {
		v.waiting = append(v.waiting, p)
		return false
	}
	v.trips++
	return true
}

// leaveNext hands a trip that has ended to those who have come meanwhile.
func (v *visits) leaveNext() {
	party := v.next()
	if len(party) == 0 {
		return
	}
	v.running.Go(func() {
		for len(party) > 0 {
			ctx, cancel := context.WithTimeout(context.Background(), v.patience)
			v.travel(ctx, party)
			cancel()
			party = v.next()
		}
	})
}

// next takes those who wait and have not gone; with none the trip is given up.
func (v *visits) next() (party []*passenger) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for at, p := range v.waiting {
		if len(party) == maxParty {
			v.waiting = v.waiting[at:]
			return party
		}
		if p.ctx.Err() == nil {
			party = append(party, p)
		}
	}
	v.waiting = nil
	if len(party) == 0 {
		v.trips--
	}
	return party
}

// travel makes one trip. Each passenger has the answers to his own commands;
// a connection that fails is everybody's fault.
func (v *visits) travel(ctx context.Context, party []*passenger) {
	pipe := v.redis.Pipeline()
	faults := make([]func() error, len(party))
	for i, p := range party {
		faults[i] = p.ask(pipe)
	}
	_, err := pipe.Exec(ctx)
	var reply redis.Error
	lost := err != nil && !errors.Is(err, redis.Nil) && !errors.As(err, &reply)
	for i, p := range party {
		if lost {
			p.done <- err
		} else {
			p.done <- faults[i]()
		}
	}
}

// wait returns when no trip is under way that has left its caller.
func (v *visits) wait() { v.running.Wait() }

// transaction wraps commands in MULTI and EXEC of their own, so that they are
// done as one although they share a pipeline with others'. The values are
// EXEC's; the error is the first of any of them.
func transaction(ctx context.Context, pipe redis.Pipeliner, commands ...[]any) (values func() ([]any, error)) {
	sent := []*redis.Cmd{pipe.Do(ctx, "multi")}
	for _, command := range commands {
		sent = append(sent, pipe.Do(ctx, command...))
	}
	exec := pipe.Do(ctx, "exec")
	return func() ([]any, error) {
		for _, command := range sent {
			if err := command.Err(); err != nil {
				return nil, err
			}
		}
		return exec.Slice()
	}
}
