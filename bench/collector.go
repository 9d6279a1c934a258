package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// collectors are settings of the garbage collector: none is what the product
// chooses itself.
var collectors = [][]string{
	{"GOGC=100", "GOMEMLIMIT=off"},
	{"GOGC=200", "GOMEMLIMIT=320MiB"},
	{"GOGC=400", "GOMEMLIMIT=off"},
	nil,
}

// collected is a node under one of them.
type collected struct {
	*contestant
	name       string
	idle, peak float64 // bytes
}

// measureCollector accepts in turns under each setting, then uploads.
func measureCollector(ctx context.Context, b *bench) error {
	const crowd = 64
	uploads, size := 100, 10<<20-4096
	if b.short {
		uploads, size = 10, 1<<20
	}
	var rows [][]string
	for _, kind := range []string{onMariaDB, onSQLite} {
		nodes, err := b.collectedNodes(ctx, kind)
		stop := func() {
			for _, n := range nodes {
				n.server.stop()
			}
		}
		if err == nil {
			err = b.collecting(ctx, nodes, crowd, uploads, size)
		}
		stop()
		if err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
		for _, n := range nodes {
			var rate, first, cost, p99 figures
			for i, t := range n.turns[crowd] {
				rate, first = append(rate, t.rate), append(first, nodes[0].turns[crowd][i].rate)
				cost, p99 = append(cost, t.cost), append(p99, t.p99)
			}
			rows = append(rows, []string{n.name + ", " + kind, rate.spread("%.0f"), rate.against(first).spread("%.2f"), cost.middle("%.0f"), p99.middle("%.1f"),
				fmt.Sprintf("%.0f", n.idle/(1<<20)), fmt.Sprintf("%.0f", n.peak/(1<<20))})
		}
	}
	b.report.say("`bridge serve` (its REST door) under settings of the garbage collector, accepting from %d clients in turns; then %d uploads of %.1f MB at once. Memory is resident: idle after the start, and its peak.", crowd, uploads, float64(size)/(1<<20))
	b.report.table([]string{"collector", "accepted a second", "of the first", "server CPU µs", "p99 ms", "idle MB", "peak MB"}, rows)
	return nil
}

func (b *bench) collectedNodes(ctx context.Context, kind string) (nodes []*collected, err error) {
	for _, settings := range collectors {
		node, err := b.servingNode(ctx, kind, settings...)
		if err != nil {
			return nodes, err
		}
		n := &collected{contestant: node, name: "as the product chooses"}
		if settings != nil {
			n.name = fmt.Sprint(settings)
		}
		n.turns = map[int][]turn{}
		nodes = append(nodes, n)
	}
	return nodes, nil
}

func (b *bench) collecting(ctx context.Context, nodes []*collected, crowd, uploads, size int) error {
	settle := time.NewTimer(time.Second)
	select {
	case <-settle.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	for _, n := range nodes {
		n.idle = n.server.memoryOf("VmRSS")
	}
	for range b.rounds {
		for _, n := range nodes {
			done, err := n.sender.flood(ctx, n.server, crowd, b.window, n.among)
			if err != nil {
				return errors.Join(errors.New(n.name), err)
			}
			n.turns[crowd] = append(n.turns[crowd], done)
		}
	}
	for _, n := range nodes {
		if _, err := uploadAll(ctx, n.sender, uploads, size); err != nil {
			return err
		}
		n.peak = n.server.memoryOf("VmHWM")
	}
	return nil
}
