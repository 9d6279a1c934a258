// Command bench measures the MCP door of a real bridge binary beside a floor: a
// bare mcp-go server with one echo tool, in a process of its own, driven by the
// same client in the same run. It prints how soon a process that was just
// started has answered tools/list, and how many calls of get_job_status are
// answered a second over stdio and over HTTP.
//
// It knows the binary's commands, settings and wire protocol and imports nothing
// of the module, so that what is measured is what a user runs. main.go is the
// order of events, nodes.go the processes, links.go the calls over stdio and HTTP,
// echo.go the floor.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"time"
)

// startGoal and callGoal are what the door promises.
const (
	startGoal = 25 * time.Millisecond
	callGoal  = 0.85
)

func main() {
	binary := flag.String("bridge", "dist/bridge", "the binary to measure")
	starts := flag.Int("starts", 31, "how many starts")
	window := flag.Duration("for", time.Second, "how long each of five rounds of calls lasts")
	echo := flag.String("echo", "", "be the floor: stdio, or an address to listen on")
	reads := flag.Bool("reads", false, "with --echo: count in Redis and read a row for each call")
	flag.Parse()
	run := func() error { return measure(*binary, *starts, *window) }
	if *echo != "" {
		run = func() error { return serveEcho(*echo, *reads) }
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func measure(binary string, starts int, window time.Duration) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	n, err := openNodes(ctx, binary)
	if err != nil {
		return err
	}
	defer n.close()
	if err := measureStarts(n, starts); err != nil {
		return err
	}
	return measureCalls(ctx, n, window)
}

// measureStarts alternates between the programs, so that each meets the same
// machine.
func measureStarts(n *nodes, times int) error {
	programs := []struct {
		name string
		run  program
		took []time.Duration
	}{
		{name: "bare mcp-go", run: n.echo("stdio")},
		{name: "bridge mcp", run: n.mcp()},
		{name: "bridge mcp --sandbox", run: n.mcp("--sandbox")},
	}
	for range times {
		for i := range programs {
			took, err := programs[i].run.start()
			if err != nil {
				return fmt.Errorf("%s: %w", programs[i].name, err)
			}
			programs[i].took = append(programs[i].took, took)
		}
	}
	fmt.Printf("from exec to the answer of tools/list, %d starts, goal %v\n", times, startGoal)
	for _, p := range programs {
		slices.Sort(p.took)
		fmt.Printf("  %-22s median %6.1f ms   fastest %6.1f ms\n", p.name, ms(p.took[len(p.took)/2]), ms(p.took[0]))
	}
	return nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// caller makes one call and checks that it was answered.
type caller func(context.Context) error

func measureCalls(ctx context.Context, n *nodes, window time.Duration) error {
	fmt.Printf("calls a second: get_job_status against a bare echo, goal %.0f %%, and against an echo that counts in Redis and reads one row\n", 100*callGoal)
	for _, link := range []struct {
		name        string
		open        func(context.Context) (callers, func(), error)
		concurrency int
	}{
		{"stdio, one caller", n.overStdio, 1},
		{"HTTP, one caller", n.overHTTP, 1},
		{"HTTP, eight callers", n.overHTTP, 8},
	} {
		of, done, err := link.open(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", link.name, err)
		}
		echo, reader, ours, err := compare(ctx, of, link.concurrency, window)
		done()
		if err != nil {
			return fmt.Errorf("%s: %w", link.name, err)
		}
		fmt.Printf("  %-20s bridge %6.0f/s   echo %6.0f/s: %3.0f %%   reading echo %6.0f/s: %3.0f %%\n", link.name, ours, echo, 100*ours/echo, reader, 100*ours/reader)
	}
	return nil
}

// callers are the two floors and the bridge.
type callers struct{ echo, reader, status caller }

// rounds alternate between the floors and the bridge; the medians are compared.
const rounds = 5

func compare(ctx context.Context, of callers, concurrency int, window time.Duration) (echo, reader, ours float64, err error) {
	var rates [3][]float64
	for range rounds {
		for i, call := range []caller{of.echo, of.reader, of.status} {
			rate, err := rateOf(ctx, call, concurrency, window)
			if err != nil {
				return 0, 0, 0, err
			}
			rates[i] = append(rates[i], rate)
		}
	}
	for i := range rates {
		slices.Sort(rates[i])
	}
	return rates[0][rounds/2], rates[1][rounds/2], rates[2][rounds/2], nil
}

// rateOf calls for a while from several goroutines at once.
func rateOf(ctx context.Context, call caller, concurrency int, window time.Duration) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, window)
	defer cancel()
	type tally struct {
		calls int
		err   error
	}
	ended := make(chan tally)
	began := time.Now()
	for range concurrency {
		go func() {
			var t tally
			for t.err == nil && ctx.Err() == nil {
				if t.err = call(context.WithoutCancel(ctx)); t.err == nil {
					t.calls++
				}
			}
			ended <- t
		}()
	}
	total := 0
	var first error
	for range concurrency {
		t := <-ended
		total += t.calls
		if first == nil {
			first = t.err
		}
	}
	return float64(total) / time.Since(began).Seconds(), first
}
