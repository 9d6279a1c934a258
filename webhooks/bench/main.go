// Command bench measures what failing receivers cost the others: one event to
// 100 receivers, first with all of them well, then with 20 failing in three
// ways (silent, refusing connections, answering 500), through the real engine
// on the real store. It prints the percentiles of the healthy ones in both
// runs, from the commit of the event to the receiver's first byte, and their
// ratio; beside them, as the floor, what the same posts take without engine and
// store.
//
// It is a program of its own, because its figures are to be read and not to
// fail a test on a busy machine. BENCH_DATABASE_URL runs it on a server.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
	"github.com/prestashop-bridge/bridge/store"
	"github.com/prestashop-bridge/bridge/webhooks"
)

const (
	receivers = 100
	failing   = 20
	events    = 60
	// between events, so that each is one fan-out and not a queue.
	pause = 100 * time.Millisecond
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "bench-webhooks:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	floor, err := direct(ctx)
	if err != nil {
		return err
	}
	well, err := measure(ctx, 0)
	if err != nil {
		return err
	}
	ill, err := measure(ctx, failing)
	if err != nil {
		return err
	}
	fmt.Printf("%d events, one at a time, to %d receivers\n\n", events, receivers)
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\tdeliveries\tp50\tp90\tp99\tmax\t")
	for _, row := range []struct {
		name string
		took []time.Duration
	}{{"floor: the same posts, no engine", floor}, {"none failing", well}, {fmt.Sprintf("%d failing, the healthy ones", failing), ill}} {
		fmt.Fprintf(table, "%s\t%d\t%v\t%v\t%v\t%v\t\n", row.name, len(row.took), at(row.took, .5), at(row.took, .9), at(row.took, .99), at(row.took, 1))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Printf("\np99 with %d failing / with none: %.2f\n", failing, float64(at(ill, .99))/float64(at(well, .99)))
	return nil
}

// at is a percentile, rounded to be read.
func at(took []time.Duration, share float64) time.Duration {
	slices.Sort(took)
	return took[int(share*float64(len(took)-1))].Round(10 * time.Microsecond)
}

// arrivals are the times at which receivers were reached.
type arrivals struct {
	mu   sync.Mutex
	of   map[string][]time.Time // by the job an event is of
	left map[string]int
	all  map[string]chan struct{} // closed when every healthy receiver has the event
}

func (a *arrivals) expect(job string, healthy int) <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.left[job], a.all[job] = healthy, make(chan struct{})
	return a.all[job]
}

func (a *arrivals) note(job string) {
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.of[job] = append(a.of[job], now)
	if a.left[job]--; a.left[job] == 0 {
		close(a.all[job])
	}
}

func newArrivals() *arrivals {
	return &arrivals{of: map[string][]time.Time{}, left: map[string]int{}, all: map[string]chan struct{}{}}
}

// listen is a healthy receiver.
func (a *arrivals) listen() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var body struct {
			JobID string `json:"job_id"`
		}
		if json.NewDecoder(r.Body).Decode(&body) == nil {
			a.note(body.JobID)
		}
	}))
}

// fail is a receiver that fails in the n-th way.
func fail(n int, until <-chan struct{}) (address string, stop func()) {
	switch n % 3 {
	case 0: // takes the request and says nothing
		server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-until }))
		return server.URL, server.Close
	case 1: // nobody listens
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return "http://127.0.0.1:9", func() {}
		}
		_ = listener.Close()
		return "http://" + listener.Addr().String(), func() {}
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }))
	return server.URL, server.Close
}

// measure runs the engine over a database of its own.
func measure(ctx context.Context, ill int) ([]time.Duration, error) {
	folder, err := os.MkdirTemp("", "bench-webhooks-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	url := os.Getenv("BENCH_DATABASE_URL")
	if url == "" {
		url = "sqlite:" + filepath.Join(folder, "bridge.db")
	}
	db, err := store.Open(ctx, url, store.Options{})
	if err != nil {
		return nil, err
	}
	defer db.Close()
	if err := db.Migrate(ctx); err != nil {
		return nil, err
	}
	sealer, err := auth.OpenSealer(filepath.Join(folder, "secrets.key"))
	if err != nil {
		return nil, err
	}
	// A client of its own, so that runs on one server do not meet.
	client := "bench-" + uuid.NewString()
	seen := newArrivals()
	done := make(chan struct{})
	var stops []func()
	defer func() {
		close(done)
		for _, stop := range stops {
			stop()
		}
	}()
	calls := webhooks.NewClient([]string{"127.0.0.1"}, false)
	resource := &bridge.Subscriptions{Store: db, Log: db, Admit: calls.Admit, Sealer: sealer, Now: time.Now}
	for i := range receivers {
		var address string
		if i < ill {
			failing, stop := fail(i, done)
			address, stops = failing, append(stops, stop)
		} else {
			server := seen.listen()
			address, stops = server.URL, append(stops, server.Close)
		}
		body := fmt.Sprintf(`{"webhook":{"topic":%q,"address":%q,"content_type":%q}}`, bridge.TopicJobAccepted, address, bridge.ContentJSON)
		if _, err := resource.Do(ctx, bridge.Actor{ClientID: client}, bridge.ResourceRequest{Name: bridge.OpCreateWebhook, Body: []byte(body)}); err != nil {
			return nil, err
		}
	}
	running, cancel := context.WithCancel(ctx)
	engine := &webhooks.Engine{Outbox: db, Client: calls, Sealer: sealer, Node: "bench", Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	var ended sync.WaitGroup
	ended.Go(func() { _ = engine.Run(running) })
	defer ended.Wait()
	defer cancel()
	var took []time.Duration
	for i := range events + 5 {
		job := uuid.Must(uuid.NewV7()).String()
		all := seen.expect(job, receivers-ill)
		if _, err := db.Accept(ctx, bridge.Job{
			ID: job, Kind: bridge.OpUpdateProduct, ClientID: client, RequestID: uuid.NewString(), Status: schemas.Accepted,
			Payload: json.RawMessage(`{}`), MaxAttempts: 1, AcceptedAt: time.Now().UTC(),
		}, "bench"); err != nil {
			return nil, err
		}
		began := time.Now()
		<-all
		if i >= 5 { // connections are open by then
			for _, arrived := range seen.of[job] {
				took = append(took, max(arrived.Sub(began), 0))
			}
		}
		time.Sleep(pause)
	}
	return took, nil
}

// direct posts to as many receivers with a plain client, all at once.
func direct(ctx context.Context) ([]time.Duration, error) {
	seen := newArrivals()
	var addresses []string
	for range receivers {
		server := seen.listen()
		defer server.Close()
		addresses = append(addresses, server.URL)
	}
	var took []time.Duration
	for i := range events + 5 {
		job := uuid.NewString()
		all := seen.expect(job, receivers)
		body := []byte(`{"job_id":"` + job + `","padding":"` + strings.Repeat("x", 400) + `"}`)
		began := time.Now()
		for _, address := range addresses {
			go func() {
				request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
				if err != nil {
					return
				}
				if response, err := http.DefaultClient.Do(request); err == nil {
					_ = response.Body.Close()
				}
			}()
		}
		<-all
		if i >= 5 {
			for _, arrived := range seen.of[job] {
				took = append(took, max(arrived.Sub(began), 0))
			}
		}
		time.Sleep(pause)
	}
	return took, nil
}
