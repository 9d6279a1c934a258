package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/prestashop-bridge/bridge/prestashop/sandbox"
	"github.com/prestashop-bridge/bridge/schemas"
)

// measureImport imports new products into a shop with the real one's
// latencies.
func measureImport(ctx context.Context, b *bench) error {
	items, sizes := 50, []int{100, 10_000, 100_000}
	few := 5
	if b.short {
		items, few, sizes = 3, 1, []int{100, 1000}
	}
	latency := sandbox.RecordedLatency()
	var rows [][]string
	row := func(products, items, parallel int) error {
		r, err := b.importing(ctx, products, items, parallel, latency)
		if err != nil {
			return fmt.Errorf("%d items into %d products: %w", items, products, err)
		}
		rows = append(rows, []string{fmt.Sprintf("%d items, %d at once, into %d products", items, parallel, products), fmt.Sprintf("%.1f", float64(r.calls)/float64(items)),
			fmt.Sprintf("%.2f", r.nominal.Seconds()), fmt.Sprintf("%.2f", r.shop.Seconds()), fmt.Sprintf("%.2f", r.bridge.Seconds()), fmt.Sprintf("%.0f", float64(r.bridge.Milliseconds())/float64(items)), fmt.Sprintf("%.2f", r.shop.Seconds()/r.bridge.Seconds())})
		return nil
	}
	if err := row(sizes[0], items, 4); err != nil {
		return err
	}
	if err := row(sizes[0], items, 1); err != nil {
		return err
	}
	for _, size := range sizes {
		if err := row(size, few, 4); err != nil {
			return err
		}
	}
	b.report.say("One import by `bridge serve` from its start to its end. The floor is the sum of the times the stand-in shop needed for each call until its answer was ready, by its own clock, as if the calls were made one after the other with nothing in between; it is a little above the latencies the shop is told to have, because a sleep ends late. One at a time shows what the bridge adds within a product, a ratio above 1 means that items run side by side. Latencies of the recorded shop: read a product 27 ms, change it 90, create it 100, stock 20 and 26, one image 96.")
	b.report.table([]string{"import", "shop calls an item", "latencies, s", "the shop's times, s", "bridge, s", "ms an item", "of the shop's sequential speed"}, rows)
	return nil
}

type importing struct {
	calls                 int
	nominal, shop, bridge time.Duration
}

func (b *bench) importing(ctx context.Context, products, items, parallel int, latency sandbox.Latency) (r importing, err error) {
	shop, err := b.sandbox(products, latency)
	if err != nil {
		return r, err
	}
	at, err := b.place(ctx, onSQLite)
	if err != nil {
		return r, err
	}
	node, url, err := b.node(ctx, at, shop, "rest,worker", fmt.Sprintf("IMPORT_PARALLEL_ITEMS=%d", parallel))
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
	batch := schemas.ImportProducts{BatchID: "bench-" + randomText()}
	price, err := schemas.ParseMoney("12.50")
	if err != nil {
		return r, err
	}
	for i := range items {
		name := fmt.Sprintf("Imported %d", i)
		batch.Items = append(batch.Items, schemas.ImportItem{Reference: fmt.Sprintf("NEW-%s-%d", batch.BatchID, i), Name: schemas.LocalizedName{"en": name, "fr": name}, PriceHT: price, StockQuantity: 7})
	}
	body, err := json.Marshal(batch)
	if err != nil {
		return r, err
	}
	shop.ResetEffects()
	var buffer bytes.Buffer
	s.request(&buffer, http.MethodPost, importURI, body)
	status, said, err := l.exchange(buffer.Bytes())
	if err != nil || status != http.StatusAccepted {
		return r, errors.Join(fmt.Errorf("status %d: %s", status, said), err)
	}
	var accepted schemas.Acceptance
	if err := json.Unmarshal(said, &accepted); err != nil {
		return r, err
	}
	job, err := s.follow(ctx, l, accepted.TrackingURL)
	if err != nil {
		return r, err
	}
	r.bridge = job.FinishedAt.Sub(*job.StartedAt)
	for _, call := range shop.Effects().Requests {
		if call.Time.Before(*job.StartedAt) { // asked at the door
			continue
		}
		r.calls++
		r.shop += call.Took
		r.nominal += latency[sandbox.Op{Method: call.Method, Resource: call.Resource}]
	}
	return r, nil
}

// end is what a job's view says of its end.
type end struct {
	Status     schemas.JobStatus `json:"status"`
	StartedAt  *time.Time        `json:"started_at"`
	FinishedAt *time.Time        `json:"finished_at"`
}

// follow asks for a job until it has succeeded.
func (s *sender) follow(ctx context.Context, l *line, uri string) (job end, err error) {
	var buffer bytes.Buffer
	for ctx.Err() == nil {
		s.request(&buffer, http.MethodGet, uri, nil)
		status, said, err := l.exchange(buffer.Bytes())
		if err != nil || status != http.StatusOK {
			return job, errors.Join(fmt.Errorf("status %d: %s", status, said), err)
		}
		if err := json.Unmarshal(said, &job); err != nil {
			return job, err
		}
		if job.Status.Terminal() {
			if job.Status != schemas.Succeeded || job.StartedAt == nil || job.FinishedAt == nil {
				return job, fmt.Errorf("the import ended %s: %s", job.Status, said)
			}
			return job, nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return job, ctx.Err()
}
