package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"
)

// part is one chapter of the report.
type part struct {
	name    string
	summary string
	run     func(context.Context, *bench) error
}

// parts are the chapters in the order of the report.
var parts = []part{
	{"accept", "Durable accept", measureAccept},
	{"intake", "The same writes without HTTP", measureIntake},
	{"jobs", "Jobs", measureJobs},
	{"pickup", "Pickup", measurePickup},
	{"security", "Security per request", measureSecurity},
	{"reads", "Reads", measureReads},
	{"import", "Import", measureImport},
	{"memory", "Memory", measureMemory},
	{"collector", "The garbage collector's settings", measureCollector},
	{"history", "A million finished jobs", measureHistory},
}

// options say how much is measured.
type options struct {
	short   bool
	only    []string
	rounds  int
	window  time.Duration // of one accept round
	jobs    int           // of the burn-down, over all rounds
	who     *regexp.Regexp
	patient time.Duration // longest burn-down of one contestant in one round
	history int           // finished jobs in the database
	limit   time.Duration // of one part
	within  time.Duration // of the whole run
	profile string        // folder for CPU profiles, "" for none
	also    string        // command whose Markdown ends the report, "" for none
}

func readOptions(arguments []string) (options, error) {
	var o options
	var only, who string
	set := flag.NewFlagSet("bench", flag.ContinueOnError)
	set.BoolVar(&o.short, "short", false, "a smoke test: everything once and small; its figures mean nothing")
	set.StringVar(&only, "only", "", "comma-separated parts: "+strings.Join(partNames(), ", ")+" (default all)")
	set.IntVar(&o.rounds, "rounds", 3, "how often each contestant has its turn")
	set.DurationVar(&o.window, "window", 1200*time.Millisecond, "length of one turn at accepting")
	set.IntVar(&o.jobs, "jobs", 100_000, "jobs of each burn-down, over all rounds")
	set.StringVar(&who, "who", "", "regular expression: the servers of the accept part and the burn-downs to run, such as '^bridge, MariaDB' (default all)")
	set.DurationVar(&o.patient, "patience", 6*time.Second, "longest turn of a burn-down; what is left then is not counted")
	set.IntVar(&o.history, "history", 1_000_000, "finished jobs in the database of the history part")
	set.DurationVar(&o.limit, "limit", 8*time.Minute, "longest time of one part; the run fails then")
	set.DurationVar(&o.within, "within", 20*time.Minute, "longest time of the whole run")
	set.StringVar(&o.profile, "profile", "", "folder for CPU profiles of the accepting server and of the burn-down")
	set.StringVar(&o.also, "also", "", "shell command to run at the end, whose output (Markdown) ends the report")
	if err := set.Parse(arguments); err != nil {
		return o, err
	}
	var err error
	if o.who, err = regexp.Compile(who); err != nil {
		return o, fmt.Errorf("--who: %w", err)
	}
	if o.short {
		o.rounds, o.window, o.jobs, o.patient, o.history = 1, 250*time.Millisecond, 600, 4*time.Second, 20_000
	}
	if only != "" {
		o.only = strings.Split(only, ",")
	}
	for _, name := range o.only {
		if !slices.Contains(partNames(), name) {
			return o, fmt.Errorf("--only names %q; the parts are %s", name, strings.Join(partNames(), ", "))
		}
	}
	if o.rounds < 1 || set.NArg() > 0 {
		return o, errors.New("usage: bench [flags]; bench --help lists them")
	}
	return o, nil
}

// collectAsTheProduct gives every contestant, in this process and as a server,
// the garbage collector of `bridge serve` (cmd/bridge/collector.go). The parts
// that start the product's binary leave it to choose for itself.
func collectAsTheProduct() {
	debug.SetGCPercent(400)
	debug.SetMemoryLimit(320 << 20)
}

func partNames() []string {
	var names []string
	for _, p := range parts {
		names = append(names, p.name)
	}
	return names
}

func (o options) wants(name string) bool { return len(o.only) == 0 || slices.Contains(o.only, name) }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:])
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

// run is the program; the servers it measures are processes of the same binary.
func run(ctx context.Context, arguments []string) error {
	collectAsTheProduct()
	if len(arguments) > 0 && arguments[0] == doorCommand {
		return runDoor(ctx, arguments[1:])
	}
	if len(arguments) > 0 && arguments[0] == relayCommand {
		return runRelay(ctx, arguments[1:])
	}
	o, err := readOptions(arguments)
	if err != nil {
		return err
	}
	b, err := openBench(o)
	if err != nil {
		return err
	}
	defer b.close()
	ctx, cancel := context.WithTimeoutCause(ctx, o.within, fmt.Errorf("the run took longer than --within %s", o.within))
	defer cancel()
	b.report.begin(ctx, b)
	for _, p := range parts {
		if !o.wants(p.name) {
			continue
		}
		fmt.Fprintf(os.Stderr, "bench: %s\n", p.name)
		limited, cancel := context.WithTimeoutCause(ctx, o.limit, fmt.Errorf("it took longer than --limit %s", o.limit))
		b.report.chapter(p.summary)
		err := p.run(limited, b)
		if err != nil && limited.Err() != nil {
			err = errors.Join(err, context.Cause(limited))
		}
		cancel()
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return b.runAlso(ctx)
}

// runAlso ends the report with what another benchmark says.
func (b *bench) runAlso(ctx context.Context) error {
	if b.also == "" {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, b.limit)
	defer cancel()
	command := exec.CommandContext(limited, "sh", "-c", b.also)
	command.Stdout, command.Stderr = b.report.out, os.Stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("%s: %w", b.also, err)
	}
	return nil
}
