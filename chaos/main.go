package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// options say what a storm is to be.
type options struct {
	seed     uint64
	length   time.Duration // how long processes are killed
	every    time.Duration // mean time between two kills of one process
	drain    time.Duration // most the jobs may take to end afterwards
	imports  int
	items    int // of an import
	deltas   int
	statuses int
	json     string // file for the report, too
	keep     bool   // leave the folder with the logs
	race     bool   // build the nodes with the race detector
}

// short is what --short makes of the options nobody gave.
var short = map[string]string{"for": "14s", "every": "7s", "drain": "1m", "imports": "6", "items": "10", "deltas": "120", "statuses": "40"}

func readOptions(arguments []string, stderr io.Writer) (options, error) {
	var o options
	set := flag.NewFlagSet("chaos", flag.ContinueOnError)
	set.SetOutput(stderr)
	set.Uint64Var(&o.seed, "seed", 0, "seed of all chance; 0 picks one")
	set.DurationVar(&o.length, "for", time.Minute, "how long processes are killed")
	set.DurationVar(&o.every, "every", 12*time.Second, "mean time between two kills of one process")
	set.DurationVar(&o.drain, "drain", 10*time.Minute, "most the jobs may take to end afterwards")
	set.IntVar(&o.imports, "imports", 200, "imports to send")
	set.IntVar(&o.items, "items", 50, "items of an import, 1 to 50")
	set.IntVar(&o.deltas, "deltas", 2000, "stock differences to send")
	set.IntVar(&o.statuses, "statuses", 500, "status changes to send")
	set.StringVar(&o.json, "json", "", "write the report to this file, too")
	set.BoolVar(&o.keep, "keep", false, "leave the folder with the logs and the data")
	set.BoolVar(&o.race, "race", false, "run the nodes with the race detector")
	isShort := set.Bool("short", false, "a small storm of a few seconds, as the tests have it")
	if err := set.Parse(arguments); err != nil {
		return o, err
	}
	if set.NArg() > 0 || o.items < 1 || o.items > 50 {
		return o, errors.New("chaos takes flags only, and --items between 1 and 50")
	}
	given := map[string]bool{}
	set.Visit(func(f *flag.Flag) { given[f.Name] = true })
	for name, value := range short {
		if *isShort && !given[name] {
			if err := set.Set(name, value); err != nil {
				return o, err
			}
		}
	}
	if o.seed == 0 {
		o.seed = rand.Uint64()
	}
	return o, nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run gives the exit status: 0 the promise held, 1 it did not or the storm
// could not be run, 2 called wrongly.
func run(ctx context.Context, arguments []string, stdout, stderr io.Writer) int {
	o, err := readOptions(arguments, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintln(stderr, "chaos:", err)
		return 2
	}
	fmt.Fprintf(stdout, "chaos: seed %d, a storm of %s\n", o.seed, o.length)
	r, err := rage(ctx, o, stdout)
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(stderr, "chaos: stopped before the end; all processes are dead")
		return 1
	case err != nil:
		fmt.Fprintln(stderr, "chaos:", err)
		return 1
	}
	r.print(stdout)
	if err := r.save(o.json); err != nil {
		fmt.Fprintln(stderr, "chaos:", err)
		return 1
	}
	if len(r.Faults) > 0 {
		return 1
	}
	return 0
}

// save writes the report as JSON if a file is named.
func (r report) save(path string) error {
	if path == "" {
		return nil
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}
