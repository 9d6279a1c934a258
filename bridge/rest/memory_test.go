package rest_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"
)

// A hundred uploads of ten megabytes at once, each of which must be held,
// decoded, parsed and validated, stay under half a gigabyte of process memory.
func TestHundredLargeUploads(t *testing.T) {
	if raceDetector || testing.Short() {
		t.Skip("takes the processor for some seconds")
	}
	const uploads, most = 100, 512 << 20
	// Stored, not compressed: ten megabytes on the wire and ten when decoded.
	payload := `{"batch_id":"b","items":[` + strings.Repeat(`{"reference":"r-00000000000000000000000000000000000000000000000000000","name":{"en":"`+strings.Repeat("x", 130)+`"}},`, 45_000) + `{}]}`
	s := shot{method: http.MethodPost, uri: "/v1/jobs/products/import", payload: payload, encoding: "gzip", encode: stored}
	if len(payload) > 10485760-4096 || len(payload) < 9_000_000 {
		t.Fatalf("the payload has %d bytes", len(payload))
	}
	r := newRig(t)
	server := httptest.NewServer(r.handler)
	defer server.Close()
	signed := r.request(s)
	body := stored(payload)

	// As serve sets them (cmd/bridge/collector.go).
	percent, limit := debug.SetGCPercent(400), debug.SetMemoryLimit(320<<20)
	defer func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	}()
	debug.FreeOSMemory()
	stop, peak := make(chan struct{}), make(chan uint64)
	go watchMemory(stop, peak)
	var all sync.WaitGroup
	answers := make(chan int, uploads)
	for range uploads {
		all.Go(func() {
			request, _ := http.NewRequest(s.method, server.URL+s.uri, bytes.NewReader(body))
			request.Header = signed.Header.Clone()
			response, err := server.Client().Do(request)
			if err != nil {
				t.Error(err)
				return
			}
			defer response.Body.Close()
			_, _ = io.Copy(io.Discard, response.Body)
			answers <- response.StatusCode
		})
	}
	all.Wait()
	close(answers)
	close(stop)
	got := map[int]int{}
	for status := range answers {
		got[status]++
	}
	used := <-peak
	t.Logf("%d MiB at most; answers %v", used>>20, got)
	if used > most {
		t.Errorf("%d bytes at most, allowed are %d", used, most)
	}
	if got[http.StatusBadRequest]+got[http.StatusServiceUnavailable] != uploads || got[http.StatusBadRequest] == 0 {
		t.Errorf("answers %v", got)
	}
}

// watchMemory looks at what the process has from the system until it is told
// to stop, then gives the largest figure.
func watchMemory(stop <-chan struct{}, peak chan<- uint64) {
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	var most uint64
	for {
		select {
		case <-stop:
			peak <- most
			return
		case <-ticker.C:
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.Sys-m.HeapReleased)
		}
	}
}

func stored(text string) []byte {
	var packed bytes.Buffer
	w, _ := gzip.NewWriterLevel(&packed, gzip.NoCompression)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return packed.Bytes()
}
