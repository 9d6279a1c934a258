package main

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// measureIntake calls the libraries directly: what is left when HTTP and the
// checks, which are the same for all, are taken away.
func measureIntake(ctx context.Context, b *bench) error {
	const callers = 64
	names := []string{}
	intakes := map[string]intake{}
	defer func() {
		for _, in := range intakes {
			_ = in.close() // measured already
		}
	}()
	open := func(name string, s doorSettings) error {
		in, err := openIntake(ctx, s)
		if err == nil {
			names = append(names, name)
			intakes[name] = in
		}
		return err
	}
	for _, kind := range []string{onMariaDB, onSQLite} {
		for _, name := range []string{intakeBridge, intakeNaive} {
			at, err := b.place(ctx, kind)
			if err != nil {
				return err
			}
			if err := open(name+", "+kind, doorSettings{intake: name, database: at.database}); err != nil {
				return err
			}
		}
	}
	postgres, err := b.postgresql(ctx)
	if err != nil {
		return err
	}
	if err := open("River, PostgreSQL", doorSettings{intake: intakeRiver, peer: postgres}); err != nil {
		return err
	}
	for _, keeps := range []durability{aofAlways, aofEverysec} {
		address, err := b.redis(ctx, keeps)
		if err != nil {
			return err
		}
		if err := open("asynq, AOF "+string(keeps), doorSettings{intake: intakeAsynq, peer: address}); err != nil {
			return err
		}
	}
	rate := map[string]figures{}
	for range b.rounds {
		for _, name := range names {
			accepted, err := acceptFor(ctx, intakes[name], callers, b.window)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			rate[name] = append(rate[name], accepted)
		}
	}
	var rows [][]string
	for _, name := range names {
		rows = append(rows, []string{name, rate[name].spread("%.0f"), rate[name].against(rate["River, PostgreSQL"]).middle("%.2f")})
	}
	b.report.say("%d goroutines of one process call `store.Accept`, an INSERT, River's `Insert` or asynq's `Enqueue`.", callers)
	b.report.table([]string{"library", "writes/s", "× River"}, rows)
	return nil
}

// acceptFor lets callers write for a window and gives the rate.
func acceptFor(ctx context.Context, in intake, callers int, window time.Duration) (float64, error) {
	began := time.Now()
	until := began.Add(window)
	accepted, err := together(callers, func(int) (n int, err error) {
		for time.Now().Before(until) {
			if _, err := in.Accept(ctx, newJob(), someIntention); err != nil {
				return n, err
			}
			n++
		}
		return n, nil
	})
	return float64(accepted) / time.Since(began).Seconds(), err
}

// someIntention is a hash as the hub makes them.
const someIntention = "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"

func productTarget() string { return "product:" + strconv.FormatInt(product.Add(1), 10) }
