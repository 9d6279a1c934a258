package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prestashop-bridge/bridge/prestashop/sandbox"
)

// measureReads reads a product through the bridge and, in turns, through a
// process that only passes the same calls on, and makes them directly.
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
		over, above := r.bridge.minus(r.direct), r.bridge.minus(r.relay)
		rows = append(rows, []string{c.name, fmt.Sprint(r.calls), r.direct.middle("%.2f"), r.relay.middle("%.2f"), r.bridge.middle("%.2f"),
			fmt.Sprintf("%.2f", r.relay.median()-r.direct.median()), fmt.Sprintf("%.2f", r.bridge.median()-r.direct.median()),
			over.middle("%.2f"), fmt.Sprintf("%.2f", over.quantile(0.99)), above.middle("%.2f")})
		counted = append(counted, fmt.Sprintf("%d at once to %s: %d product calls, %d calls in all", crowdOfReaders, c.name, r.crowdProducts, r.crowdCalls))
	}
	b.report.say("`GET /v1/products/{id}` of `bridge serve` (signed, its own connection) against the calls it makes, made directly and side by side as it makes them; one read at a time, in turns, %d each. `relay`, the floor, is a process between the two that makes the same calls with net/http and hands the shop's answer on: no check, no count, no JSON, no log. All figures in milliseconds.", samples)
	b.report.table([]string{"shop", "shop calls a read", "directly, p50", "relay, p50", "bridge, p50", "relay − directly", "bridge − directly", "p50 of that", "p99 of that", "p50 of bridge − relay"}, rows)
	for _, line := range counted {
		b.report.say("Concurrent reads of one product, %s.", line)
	}
	return nil
}

// crowdOfReaders is how many read the same product at once.
const crowdOfReaders = 32

type readings struct {
	calls                     int
	direct, relay, bridge     figures // milliseconds
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
	slices.SortFunc(calls, func(a, b sandbox.Request) int { return strings.Compare(a.Resource, b.Resource) }) // products first
	floor, relayURL, err := b.relay(ctx, shop, calls)
	if err != nil {
		return r, err
	}
	defer floor.stop()
	through, err := (&sender{host: strings.TrimPrefix(relayURL, "http://")}).dial(ctx)
	if err != nil {
		return r, err
	}
	defer through.Close()
	direct := shopClient()
	defer direct.CloseIdleConnections()
	turns := []struct {
		into *figures
		read func() error
	}{
		{&r.direct, func() error { _, err := callAll(ctx, direct, shop.url, calls); return err }},
		{&r.relay, func() error { return read(through) }},
		{&r.bridge, func() error { return read(l) }},
	}
	for range samples {
		for _, turn := range turns {
			began := time.Now()
			if err := turn.read(); err != nil {
				return r, err
			}
			*turn.into = append(*turn.into, milliseconds([]time.Duration{time.Since(began)})...)
		}
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

func shopClient() *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
}

// callAll makes the calls of one read side by side and gives their answers.
func callAll(ctx context.Context, client *http.Client, root string, calls []sandbox.Request) ([][]byte, error) {
	var all sync.WaitGroup
	answers, errs := make([][]byte, len(calls)), make([]error, len(calls))
	for i, call := range calls {
		all.Go(func() { answers[i], errs[i] = callShop(ctx, client, root, call) })
	}
	all.Wait()
	return answers, errors.Join(errs...)
}

func callShop(ctx context.Context, client *http.Client, root string, call sandbox.Request) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, call.Method, root+call.Path+"?"+call.Query, nil)
	if err != nil {
		return nil, err
	}
	request.SetBasicAuth(shopKey, "")
	answer, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the shop answers %d to %s", answer.StatusCode, call.Path)
	}
	return io.ReadAll(answer.Body)
}
