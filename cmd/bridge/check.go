package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/prestashop"
	"github.com/prestashop-bridge/bridge/queue"
	"github.com/prestashop-bridge/bridge/store"
)

// checkTimeout bounds one check, whatever it waits for.
const checkTimeout = 45 * time.Second

// runChecks tries out the deployment that the settings describe, beside a
// running bridge or without one, and leaves nothing behind.
func runChecks(ctx context.Context, p process) error {
	s := &site{getenv: p.getenv}
	set := flags(p, "check")
	set.StringVar(&s.envFile, "env-file", "", "settings file (default .env.bridge when it exists)")
	set.Int64Var(&s.writeTest, "write-test", 0, "id of a product whose stock is changed by +1 and back, through the whole path")
	set.StringVar(&s.shopName, "shop", bridge.DefaultShop, "the shop to look at; bridge shops list shows them")
	asJSON := set.Bool("json", false, "print the report as JSON")
	markdown := set.Bool("markdown", false, "print the page of docs/check.md")
	if err := parse(p, set); err != nil {
		return err
	}
	if *markdown {
		writeChecks(p.stdout)
		return nil
	}
	var err error
	if s.shopName, err = bridge.ParseShopName(s.shopName); err != nil {
		return err
	}
	if s.writeTest < 0 {
		return errors.New("--write-test wants the id of a product")
	}
	defer s.close()
	r := s.inspect(ctx)
	write := writeReport
	if *asJSON {
		write = writeJSONReport
	}
	if err := write(p.stdout, r); err != nil {
		return err
	}
	switch n := r.count(failed); {
	case n > 0:
		return fmt.Errorf("%d of %d checks failed", n, len(r))
	case ctx.Err() != nil:
		return errors.New("interrupted before the last check")
	}
	return nil
}

// state is how a check ended.
type state string

// A warning does not fail the whole. A check is skipped when one it needs has
// failed, or when it was not asked for.
const (
	passed  state = "pass"
	warned  state = "warn"
	failed  state = "fail"
	skipped state = "skip"
)

// finding is what a check saw. Detail and fix never hold a secret.
type finding struct {
	state  state
	detail string
	fix    string // when it failed or warned; "" takes the table's
}

func pass(format string, args ...any) finding {
	return finding{state: passed, detail: fmt.Sprintf(format, args...)}
}

func fail(format string, args ...any) finding {
	return finding{state: failed, detail: fmt.Sprintf(format, args...)}
}

func warn(format string, args ...any) finding {
	return finding{state: warned, detail: fmt.Sprintf(format, args...)}
}

func skip(format string, args ...any) finding {
	return finding{state: skipped, detail: fmt.Sprintf(format, args...)}
}

// mend gives the finding a fix of its own.
func (f finding) mend(format string, args ...any) finding {
	f.fix = fmt.Sprintf(format, args...)
	return f
}

// site is the deployment under check. Checks that open a part leave it here for
// those that come after.
type site struct {
	getenv    func(string) string
	envFile   string
	writeTest int64
	shopName  string // "" is that of the settings

	config config
	store  *store.Store
	redis  *queue.Probe
	shop   *prestashop.Shop
	survey prestashop.Survey
}

// quiet is the logger of everything a check drives: what counts stands in the
// report.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// inspect runs the table from top to bottom.
func (s *site) inspect(ctx context.Context) findings {
	var r findings
	for _, c := range checks {
		r = append(r, s.examine(ctx, c, r))
	}
	return r
}

// examine runs one check and makes sure that what must be mended says how.
func (s *site) examine(ctx context.Context, c check, sofar findings) examined {
	f := s.attempt(ctx, c, sofar)
	if f.fix == "" && (f.state == failed || f.state == warned) {
		f.fix = c.fix
	}
	return examined{check: c, finding: f}
}

// attempt runs one check unless one it needs has not passed.
func (s *site) attempt(ctx context.Context, c check, sofar findings) finding {
	for _, needed := range c.needs {
		if !sofar.holds(needed) {
			return skip("needs %s", needed)
		}
	}
	if ctx.Err() != nil {
		return skip("interrupted")
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	return c.run(s, ctx)
}

// close gives the parts back. What cannot be given back is gone with the
// process.
func (s *site) close() {
	var parts []io.Closer
	if s.redis != nil {
		_, _ = s.redis.Empty(context.Background())
		parts = append(parts, s.redis)
	}
	if s.store != nil {
		parts = append(parts, s.store)
	}
	for _, part := range parts {
		_ = part.Close()
	}
	if s.shop != nil {
		s.shop.Close()
	}
}

// examined is a check with what it found.
type examined struct {
	check
	finding
}

type findings []examined

// holds reports whether the check of that name has passed, or nearly.
func (r findings) holds(name string) bool {
	return slices.ContainsFunc(r, func(done examined) bool {
		return done.name == name && (done.state == passed || done.state == warned)
	})
}

func (r findings) count(wanted state) (n int) {
	for _, done := range r {
		if done.state == wanted {
			n++
		}
	}
	return n
}
