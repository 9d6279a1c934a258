package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"
)

// storm is one run: what it is to be, where it rages, and what it has seen.
type storm struct {
	options
	out     io.Writer
	work    *workload
	site    *site
	weather *weather
	ledger  *ledger
	caller  *caller
	resumes *resumes
	begin   time.Time
}

// rage runs a storm from the first process to the last sum.
func rage(ctx context.Context, o options, out io.Writer) (report, error) {
	pictures, stop, err := pictureHost()
	if err != nil {
		return report{}, err
	}
	defer stop()
	work, err := planned(o, stream(o.seed, "work"), pictures)
	if err != nil {
		return report{}, err
	}
	site, err := build(ctx, o, work, pictures)
	defer site.close()
	if err != nil {
		return report{}, err
	}
	s := &storm{options: o, out: out, work: work, site: site, ledger: newLedger(work), resumes: newResumes(site.database.sql)}
	s.caller = newCaller(site.doors, s.ledger, stream(o.seed, "cuts"))
	fmt.Fprintf(out, "everything runs; %d imports of %d items, %d stock differences and %d status changes follow\n", o.imports, o.items, o.deltas, o.statuses)
	return s.run(ctx)
}

// run: the storm itself, the calm after it, the sums.
func (s *storm) run(ctx context.Context) (report, error) {
	watching, stopWatching := context.WithCancel(ctx)
	var behind sync.WaitGroup
	defer behind.Wait()
	defer stopWatching()
	behind.Go(func() { s.resumes.measure(watching) })
	behind.Go(func() { s.tell(watching) })

	s.begin = time.Now()
	s.strikeAll(ctx)
	cuts := s.caller.cutter.rest()
	if err := ctx.Err(); err != nil {
		return report{}, err
	}
	fmt.Fprintf(s.out, "t+%.0fs: the storm is over; everything comes back and the jobs end\n", time.Since(s.begin).Seconds())
	if err := s.site.recover(ctx); err != nil {
		return report{}, err
	}
	s.caller.drain(ctx, s.options.drain)
	if err := ctx.Err(); err != nil {
		return report{}, err
	}
	ended := time.Since(s.begin)
	findings := s.caller.askAgain(ctx)
	strays, err := s.site.strays(ctx, s.ledger.accepted())
	if err != nil {
		return report{}, err
	}
	// A job that did not end in time would go on changing what is counted.
	s.site.halt()
	sums := &tally{shop: s.site.shop}
	sums.everything(s.work)
	findings = append(append(append(findings, strays...), sums.findings...), s.site.crashes()...)
	return s.report(findings, cuts, ended), ctx.Err()
}

// strikeAll sends the work while everything is struck. It returns when the time
// is over and every intention is answered; what is still unanswered at the end
// of the time is answered in calm weather.
func (s *storm) strikeAll(ctx context.Context) {
	raging, calm := context.WithTimeout(ctx, s.length)
	defer calm()
	answering, giveUp := context.WithTimeout(ctx, s.length+s.options.drain)
	defer giveUp()
	var clear func()
	s.weather, clear = newWeather(s.site.shop, stream(s.seed, "weather"))
	stop := context.AfterFunc(raging, clear)
	defer stop()

	var all sync.WaitGroup
	for _, p := range s.site.processes {
		all.Go(func() { s.strike(raging, p) })
	}
	all.Go(func() { s.weather.blackouts(raging, stream(s.seed, "blackouts"), s.every) })
	all.Go(func() { s.caller.watch(raging, 20*time.Millisecond) })
	all.Go(func() { s.caller.sendAll(answering, s.begin, s.work.intentions) })
	all.Wait()
}

// The pause before a killed process is started again.
const (
	shortestPause = 200 * time.Millisecond
	longestDown   = 2 * time.Second
)

// strike kills a process again and again. Its times are the process's own, so
// that the schedule of a seed is always the same.
func (s *storm) strike(ctx context.Context, p *process) {
	rng := stream(s.seed, p.name)
	every := s.every
	if p.kind == kindMariaDB {
		// Nothing moves without it, so its kills would leave less to strike at.
		every = every * 3 / 2
	}
	for {
		gap := about(rng, every)
		pause := shortestPause + time.Duration(rng.Int64N(int64(longestDown-shortestPause)))
		if sleep(ctx, gap) != nil {
			return
		}
		if pid := p.kill(pause); pid != 0 {
			s.resumes.struck(p.kind, pid, time.Now())
			p.note("kill -9, down for %s", pause)
		}
	}
}

// tell prints how far the storm is, now and then.
func (s *storm) tell(ctx context.Context) {
	for sleep(ctx, 15*time.Second) == nil {
		total := s.ledger.sums()[""]
		kills := 0
		for _, p := range s.site.processes {
			killed, _ := p.counts()
			kills += killed
		}
		fmt.Fprintf(s.out, "t+%.0fs: %d kills, %d of %d accepted, %d ended\n",
			time.Since(s.begin).Seconds(), kills, total.Accepted, total.Sent, total.Accepted-total.Open)
	}
}
