package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestReadyTellsEachPart(t *testing.T) {
	expect := func(r *rig, status int, body string) {
		t.Helper()
		got, text := get(t, r.base+"/readyz")
		if got != status || strings.TrimSpace(text) != body {
			t.Errorf("got %d %s, want %d %s", got, text, status, body)
		}
		if got, _ := get(t, r.base+"/healthz"); got != 200 {
			t.Errorf("/healthz answers %d", got)
		}
	}
	r := newRig(t, nil)
	expect(r, 200, `{"status":"ready","checks":{"database":"ok","migrations":"ok","shop":"ok","transport":"ok"}}`)
	if err := r.parts.store.Close(); err != nil {
		t.Fatal(err)
	}
	expect(r, 503, `{"status":"not ready","checks":{"database":"away","migrations":"away","shop":"ok","transport":"ok"}}`)

	alone := newRig(t, map[string]string{"PRESTASHOP_URL": "http://127.0.0.1:1"})
	expect(alone, 200, `{"status":"degraded","checks":{"database":"ok","migrations":"ok","shop":"away","transport":"ok"}}`)

	noRedis := newRig(t, map[string]string{"REDIS_DSN": "redis://127.0.0.1:1"})
	expect(noRedis, 503, `{"status":"not ready","checks":{"database":"ok","migrations":"ok","shop":"ok","transport":"away"}}`)
}

func TestProbesDoNotHammerTheShop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked, fails := 0, errors.New("away")
		shop := remembered{every: 5 * time.Second, probe: func(context.Context) error { asked++; return fails }}
		for range 100 {
			if err := shop.ask(t.Context()); !errors.Is(err, fails) {
				t.Errorf("got %v", err)
			}
		}
		if asked != 1 {
			t.Errorf("asked %d times in an instant", asked)
		}
		fails = nil
		time.Sleep(5 * time.Second)
		if err := shop.ask(t.Context()); err != nil || asked != 2 {
			t.Errorf("after its time: %v, asked %d times", err, asked)
		}
	})
}

// A prober that hangs up says nothing about the shop, and one whose time is
// over does not look like a shop that timed out.
func TestImpatientProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen error
		shop := remembered{every: 5 * time.Second, probe: func(ctx context.Context) error {
			<-ctx.Done()
			seen = ctx.Err()
			return seen
		}}
		gone, leave := context.WithCancel(t.Context())
		leave()
		if err := shop.ask(gone); err == nil || !shop.until.IsZero() {
			t.Errorf("a prober that left was remembered: %v until %v", err, shop.until)
		}
		late, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if err := shop.ask(late); err == nil || shop.until.IsZero() {
			t.Errorf("a shop that is too slow was not remembered: %v", err)
		}
		if !errors.Is(seen, context.Canceled) {
			t.Errorf("the shop client saw %v, which its breaker counts", seen)
		}
	})
}
