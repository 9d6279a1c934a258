package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/prestashop-bridge/bridge/prestashop/sandbox"
)

// measureReads reads a product through the bridge and, in turns, makes the
// same calls to the shop directly.
func measureReads(ctx context.Context, b *bench) error {
	samples := 200
	if b.short {
		samples = 10
	}
	var rows [][]string
	var counted []string
	for _, c := range []struct {
		name    string
		latency sandbox.Latency
	}{{"a shop that answers at once", nil}, {"the real shop's latencies", sandbox.RecordedLatency()}} {
		r, err := b.readings(ctx, c.latency, samples)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		over := make(figures, len(r.bridge))
		for i := range over {
			over[i] = r.bridge[i] - r.direct[i]
		}
		rows = append(rows, []string{c.name, fmt.Sprint(r.calls), fmt.Sprintf("%.2f", r.direct.median()), fmt.Sprintf("%.2f", r.bridge.median()),
			fmt.Sprintf("%.2f", r.bridge.median()-r.direct.median()), fmt.Sprintf("%.2f", over.quantile(0.99)), fmt.Sprintf("%.2f", over.median())})
		counted = append(counted, fmt.Sprintf("%d at once to %s: %d product calls, %d calls in all", crowdOfReaders, c.name, r.crowdProducts, r.crowdCalls))
	}
	b.report.say("`GET /v1/products/{id}` of `bridge serve` (signed, its own connection) against the calls it makes, made directly and side by side as it makes them; one read at a time, in turns, %d each.", samples)
	b.report.table([]string{"shop", "shop calls a read", "directly, p50 ms", "bridge, p50 ms", "difference of p50", "p99 of the differences", "p50 of the differences"}, rows)
	for _, line := range counted {
		b.report.say("Concurrent reads of one product, %s.", line)
	}
	return nil
}

// crowdOfReaders is how many read the same product at once.
const crowdOfReaders = 32

type readings struct {
	calls                     int
	direct, bridge            figures // milliseconds
	crowdProducts, crowdCalls int
}

func (b *bench) readings(ctx context.Context, latency sandbox.Latency, samples int) (r readings, err error) {
	shop, err := b.sandbox(10, latency)
	if err != nil {
		return r, err
	}
	at, err := b.place(ctx, onSQLite)
	if err != nil {
		return r, err
	}
	node, url, err := b.node(ctx, at, shop, "rest")
	if err != nil {
		return r, err
	}
	defer node.stop()
	s, err := newSender(ctx, url, clientID, clientSecret)
	if err != nil {
		return r, err
	}
	l, err := s.dial(ctx)
	if err != nil {
		return r, err
	}
	defer l.Close()
	read := func(l *line) error {
		var buffer bytes.Buffer
		s.request(&buffer, http.MethodGet, "/v1/products/7", nil)
		status, body, err := l.exchange(buffer.Bytes())
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("status %d: %s", status, body)
		}
		return err
	}
	for range 3 { // languages and configuration are asked for once
		if err := read(l); err != nil {
			return r, err
		}
	}
	shop.ResetEffects()
	if err := read(l); err != nil {
		return r, err
	}
	calls := shop.Effects().Requests
	r.calls = len(calls)
	direct := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
	defer direct.CloseIdleConnections()
	for range samples {
		began := time.Now()
		if err := callAll(ctx, direct, shop.url, calls); err != nil {
			return r, err
		}
		middle := time.Now()
		if err := read(l); err != nil {
			return r, err
		}
		r.direct = append(r.direct, milliseconds([]time.Duration{middle.Sub(began)})...)
		r.bridge = append(r.bridge, milliseconds([]time.Duration{time.Since(middle)})...)
	}
	shop.ResetEffects()
	if _, err := together(crowdOfReaders, func(int) (int, error) {
		l, err := s.dial(ctx)
		if err != nil {
			return 0, err
		}
		defer l.Close()
		return 1, read(l)
	}); err != nil {
		return r, err
	}
	seen := shop.Effects()
	r.crowdProducts, r.crowdCalls = seen.Received(http.MethodGet, "products"), len(seen.Requests)
	return r, nil
}

// callAll makes the calls of one read side by side.
func callAll(ctx context.Context, client *http.Client, root string, calls []sandbox.Request) error {
	var all sync.WaitGroup
	errs := make([]error, len(calls))
	for i, call := range calls {
		all.Go(func() { errs[i] = callShop(ctx, client, root, call) })
	}
	all.Wait()
	return errors.Join(errs...)
}

func callShop(ctx context.Context, client *http.Client, root string, call sandbox.Request) error {
	request, err := http.NewRequestWithContext(ctx, call.Method, root+call.Path+"?"+call.Query, nil)
	if err != nil {
		return err
	}
	request.SetBasicAuth(shopKey, "")
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the shop answers %d to %s", answer.StatusCode, call.Path)
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}
