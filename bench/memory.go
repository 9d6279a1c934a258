package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// measureMemory looks at the product's process from outside: idle, and with a
// hundred large uploads under way.
func measureMemory(ctx context.Context, b *bench) error {
	uploads, size, settle := 100, 10<<20-4096, 3*time.Second
	if b.short {
		uploads, size, settle = 10, 1<<20, 300*time.Millisecond
	}
	var rows [][]string
	for _, kind := range []string{onMariaDB, onSQLite} {
		row, err := b.remembering(ctx, kind, uploads, size, settle)
		if err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
		rows = append(rows, row)
	}
	b.report.say("Resident memory of `bridge serve` with all its parts (`VmRSS`, peak `VmHWM`): idle %s after its start, and at most while %d clients at once upload an import of %.1f MB each, stored (not compressed) gzip, which is held, decoded, parsed and refused by the schema. The collector is as the product sets it.", settle, uploads, float64(size)/(1<<20))
	b.report.table([]string{"deployment", "idle MB", "peak MB", "10 s later MB", "answers"}, rows)
	return nil
}

func (b *bench) remembering(ctx context.Context, kind string, uploads, size int, settle time.Duration) ([]string, error) {
	at, err := b.place(ctx, kind)
	if err != nil {
		return nil, err
	}
	shop, err := b.sandbox(10, nil)
	if err != nil {
		return nil, err
	}
	node, url, err := b.node(ctx, at, shop, "rest,mcp,worker")
	if err != nil {
		return nil, err
	}
	defer node.stop()
	time.Sleep(settle)
	idle := node.memoryOf("VmRSS")
	s, err := newSender(ctx, url, clientID, clientSecret)
	if err != nil {
		return nil, err
	}
	answers, err := uploadAll(ctx, s, uploads, size)
	if err != nil {
		return nil, err
	}
	peak := node.memoryOf("VmHWM")
	time.Sleep(3 * settle)
	said := ""
	for _, status := range slices.Sorted(maps.Keys(answers)) {
		said += fmt.Sprintf("%d×%d ", answers[status], status)
	}
	megabytes := func(n float64) string { return fmt.Sprintf("%.0f", n/(1<<20)) }
	return []string{kind, megabytes(idle), megabytes(peak), megabytes(node.memoryOf("VmRSS")), strings.TrimSpace(said)}, nil
}

// uploadAll sends large imports, all at once, and counts the answers by status.
func uploadAll(ctx context.Context, s *sender, uploads, size int) (map[int]int, error) {
	body := stored(largeImport(size))
	statuses := make(chan int, uploads)
	if _, err := together(uploads, func(int) (int, error) {
		l, err := s.dial(ctx)
		if err != nil {
			return 0, err
		}
		defer l.Close()
		var buffer bytes.Buffer
		s.request(&buffer, http.MethodPost, importURI, body, "Content-Encoding: gzip")
		status, _, err := l.exchange(buffer.Bytes())
		statuses <- status
		return 1, err
	}); err != nil {
		return nil, err
	}
	close(statuses)
	answers := map[int]int{}
	for status := range statuses {
		answers[status]++
	}
	return answers, nil
}

// largeImport is well-formed JSON of about size bytes with far more items than
// an import may have.
func largeImport(size int) string {
	const item = `{"reference":"r-000000000000000000000000000000","name":{"en":"a name of some length, as products have them"}}`
	return `{"batch_id":"b","items":[` + strings.Repeat(item+",", size/(len(item)+1)-1) + item + `]}`
}

// stored is gzip without compression: as large on the wire as decoded.
func stored(text string) []byte {
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.NoCompression)
	if err != nil {
		panic(err) // of a fixed level
	}
	// Writing to a buffer does not fail.
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return packed.Bytes()
}
