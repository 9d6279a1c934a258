package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"time"
)

// measurePickup times an idle system: from the commit of a write to the moment
// its first step is sent.
func measurePickup(ctx context.Context, b *bench) error {
	samples, samplesAway := 300, 60
	if b.short {
		samples, samplesAway = 20, 5
	}
	var rows [][]string
	for _, c := range []struct {
		name, kind string
		away       bool
		samples    int
	}{
		{"MariaDB and Redis", onMariaDB, false, samples},
		{"SQLite, all in one process", onSQLite, false, samples},
		{"MariaDB, Redis down", onMariaDB, true, samplesAway},
	} {
		times, err := b.pickups(ctx, c.kind, c.away, c.samples)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		took := milliseconds(times)
		rows = append(rows, []string{c.name, fmt.Sprint(len(times)),
			fmt.Sprintf("%.2f", took.quantile(0)), fmt.Sprintf("%.2f", took.quantile(0.5)), fmt.Sprintf("%.2f", took.quantile(0.99)), fmt.Sprintf("%.2f", took.quantile(1))})
	}
	b.report.say("From the commit of an accepted write to its first call to the shop, one write at a time on an idle system, 8 workers: announced, read, claimed, planned, journalled `sending`, sent. With Redis down nobody announces: only the sweep finds the job.")
	b.report.table([]string{"system", "writes", "least ms", "p50 ms", "p99 ms", "most ms"}, rows)
	return nil
}

// pickups accepts one job after the other, at moments that have nothing to do
// with the sweep's.
func (b *bench) pickups(ctx context.Context, kind string, away bool, samples int) (times []time.Duration, err error) {
	at, err := b.place(ctx, kind)
	if err != nil {
		return nil, err
	}
	if away {
		port, err := freePort()
		if err != nil {
			return nil, err
		}
		at.redis = "redis://" + net.JoinHostPort("127.0.0.1", fmt.Sprint(port)) + "/0"
	}
	s, err := b.station(ctx, at)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	sent := make(chan time.Time, 1)
	shop := blankShop{sent: func(string) { sent <- time.Now() }}
	left := newCounting(1 << 40)
	stop := s.work(ctx, 8, shop, left)
	defer stop()
	pause := func(d time.Duration) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := pause(time.Second); err != nil { // until the stream is being read, or known to be away
		return nil, err
	}
	for range samples {
		job := newJob()
		if _, err := s.store.Accept(ctx, job, someIntention); err != nil {
			return nil, err
		}
		committed := time.Now()
		if !away {
			if err := s.queue.Announce(ctx, job.ID); err != nil {
				return nil, err
			}
		}
		select {
		case when := <-sent:
			times = append(times, when.Sub(committed))
		case <-time.After(10 * time.Second):
			return nil, errors.New("an accepted job was not picked up within 10 s")
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if err := pause(10*time.Millisecond + rand.N(30*time.Millisecond)); err != nil {
			return nil, err
		}
	}
	return times, nil
}
