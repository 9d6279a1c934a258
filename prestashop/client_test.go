package prestashop

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/policies"
)

const testKey = "TESTKEY0000000000000000000000032"

// shopAt makes a Shop for a server of the test.
func shopAt(t *testing.T, address string, change func(*Options)) *Shop {
	t.Helper()
	o := Options{URL: address, Key: testKey, SaleLag: -1}
	if change != nil {
		change(&o)
	}
	shop, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(shop.Close)
	return shop
}

func serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

func faultOf(t *testing.T, err error) bridge.ShopFault {
	t.Helper()
	var fault *bridge.ShopError
	if !errors.As(err, &fault) {
		t.Fatalf("%v is no ShopError", err)
	}
	return fault.Fault
}

func stockPatch() *entity { return newEntity("stock_available").number("id", 6).number("quantity", 1) }

func TestOnlyListedCallsLeave(t *testing.T) {
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) { t.Errorf("%s %s left", r.Method, r.URL) })
	shop := shopAt(t, server.URL, nil)
	for _, c := range []struct{ method, resource, rule string }{
		{http.MethodDelete, "products", policies.NoDeleteWithOrders},
		{http.MethodDelete, "orders", policies.NoDeleteWithOrders},
		{http.MethodPut, "products", policies.NoDirectAccess},
		{http.MethodPut, "stock_availables", policies.NoDirectAccess},
		{http.MethodPost, "stock_availables", policies.NoDirectAccess},
		{http.MethodPatch, "orders", policies.NoDirectAccess},
		{http.MethodPatch, "configurations", policies.NoDirectAccess},
		{http.MethodGet, "employees", policies.NoDirectAccess},
		{"delete", "products", policies.NoDirectAccess},
	} {
		_, err := shop.client.do(t.Context(), call{method: c.method, resource: c.resource, id: 6})
		var refusal *bridge.Error
		if !errors.As(err, &refusal) || refusal.Code != bridge.CodePolicyRefused || refusal.Rule != c.rule {
			t.Errorf("%s %s: got %v", c.method, c.resource, err)
		}
	}
}

func TestNoCallLeavesAfterTheAttemptEnded(t *testing.T) {
	server := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a call left") })
	shop := shopAt(t, server.URL, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := faultOf(t, shop.client.patch(ctx, "stock_availables", 6, stockPatch())); got != bridge.Unreached {
		t.Errorf("fault %d, want Unreached", got)
	}
}

func TestAShopThatCannotBeDialledIsUnreached(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	shop := shopAt(t, "http://"+address, nil)
	if got := faultOf(t, shop.client.patch(t.Context(), "stock_availables", 6, stockPatch())); got != bridge.Unreached {
		t.Errorf("fault %d, want Unreached", got)
	}
}

func TestAFailedHandshakeIsUnreached(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a call arrived") }))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS() // with a certificate nobody knows
	t.Cleanup(server.Close)
	shop := shopAt(t, server.URL, nil)
	if got := faultOf(t, shop.client.patch(t.Context(), "stock_availables", 6, stockPatch())); got != bridge.Unreached {
		t.Errorf("fault %d, want Unreached", got)
	}
}

func TestAnUnreadableAnswerToAWriteIsUnclear(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"cut":            func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"page":           func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>It works!</html>") },
		"empty":          func(http.ResponseWriter, *http.Request) {},
		"truncated JSON": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"stock_available":{"id":"6"`) },
		"another id": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"stock_available":{"id":"7"}}`)
		},
		"shorter than stated": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "99")
			_, _ = io.WriteString(w, "{")
		},
		"redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
		"too long": func(w http.ResponseWriter, _ *http.Request) {
			for range maxAnswerBytes/len(filler) + 1 {
				if _, err := w.Write(filler); err != nil {
					return
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			server := serve(t, func(w http.ResponseWriter, r *http.Request) { calls++; handler(w, r) })
			shop := shopAt(t, server.URL, nil)
			if got := faultOf(t, shop.client.patch(t.Context(), "stock_availables", 6, stockPatch())); got != bridge.Unclear {
				t.Errorf("fault %d, want Unclear", got)
			}
			server.Close()
			if calls != 1 {
				t.Errorf("%d calls arrived, want 1", calls)
			}
			if _, err := shop.stockRows(t.Context(), 6); faultOf(t, err) != bridge.Unreached {
				t.Errorf("a read of the same kind is %v, want Unreached", err)
			}
		})
	}
}

var filler = bytes.Repeat([]byte(" "), 1<<20)

func TestASilentShopTimesOut(t *testing.T) {
	release := make(chan struct{})
	server := serve(t, func(http.ResponseWriter, *http.Request) { <-release })
	defer close(release)
	shop := shopAt(t, server.URL, func(o *Options) { o.Timeout = 20 * time.Millisecond })
	if got := faultOf(t, shop.client.patch(t.Context(), "stock_availables", 6, stockPatch())); got != bridge.Unclear {
		t.Errorf("write: fault %d, want Unclear", got)
	}
	if _, err := shop.stockRows(t.Context(), 6); faultOf(t, err) != bridge.Unreached {
		t.Errorf("read: %v, want Unreached", err)
	}
}

// A server that closes kept-alive connections at the worst moment must not
// make net/http send a write again: every body arrives at most once.
func TestWritesAreNeverSentAgainOnAnotherConnection(t *testing.T) {
	dying := newDyingServer(t)
	shop := shopAt(t, "http://"+dying.address, func(o *Options) { o.Breaker.Failures = 1000 })
	for round := range int64(40) {
		e := newEntity("order_history").number("id_order", 1000+round)
		_, err := shop.client.post(t.Context(), "order_histories", nil, e)
		if err != nil && faultOf(t, err) != bridge.Unclear {
			t.Errorf("round %d: %v, want success or Unclear", round, err)
		}
	}
	for body, times := range dying.received() {
		if times != 1 {
			t.Errorf("%s arrived %d times", body, times)
		}
	}
}

// dyingServer answers the first request of each connection and swallows the
// second, closing without an answer.
type dyingServer struct {
	address string
	mu      sync.Mutex
	bodies  map[string]int
}

func newDyingServer(t *testing.T) *dyingServer {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &dyingServer{address: listener.Addr().String(), bodies: map[string]int{}}
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conns.Go(func() { s.live(conn) })
		}
	})
	t.Cleanup(func() { listener.Close(); conns.Wait() })
	return s
}

func (s *dyingServer) live(conn net.Conn) {
	defer conn.Close()
	reader := bufio.NewReader(conn)
	for answered := range 2 {
		req, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		body, _ := io.ReadAll(req.Body)
		s.mu.Lock()
		s.bodies[string(body)]++
		s.mu.Unlock()
		if answered == 0 {
			_, _ = io.WriteString(conn, "HTTP/1.1 201 Created\r\nContent-Length: 29\r\n\r\n{\"order_history\":{\"id\":\"12\"}}")
		}
	}
}

func (s *dyingServer) received() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bodies
}

func TestTheBreakerLeavesADeadShopAlone(t *testing.T) {
	calls, alive := 0, false
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		calls++
		if !alive {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		_, _ = io.WriteString(w, "[]")
	})
	shop := shopAt(t, server.URL, func(o *Options) { o.Breaker = Breaker{Failures: 3, Pause: 30 * time.Millisecond} })
	read := func() error { _, err := shop.stockRows(t.Context(), 6); return err }
	for range 10 {
		if got := faultOf(t, read()); got != bridge.Unreached {
			t.Fatalf("fault %d, want Unreached", got)
		}
	}
	if calls != 3 {
		t.Errorf("%d calls reached a dead shop, want 3", calls)
	}
	if got := faultOf(t, shop.client.patch(t.Context(), "stock_availables", 6, stockPatch())); got != bridge.Unreached {
		t.Errorf("a write behind the open breaker: fault %d, want Unreached", got)
	}
	alive = true
	deadline := time.Now().Add(5 * time.Second)
	for read() != nil {
		if time.Now().After(deadline) {
			t.Fatal("the breaker never closed")
		}
	}
}

func TestRefusalsDoNotOpenTheBreaker(t *testing.T) {
	rec := recorded(t, "130")
	calls := 0
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		calls++
		w.WriteHeader(rec.answer.status)
		_, _ = w.Write(rec.answer.body)
	})
	shop := shopAt(t, server.URL, func(o *Options) { o.Breaker.Failures = 2 })
	for range 6 {
		_ = shop.client.patch(t.Context(), "products", 6, newEntity("product").number("id", 6))
	}
	if calls != 6 {
		t.Errorf("%d calls, want 6", calls)
	}
}

func TestTheKeyIsNeverShown(t *testing.T) {
	var logged strings.Builder
	var seen []string
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		user, _, _ := r.BasicAuth()
		seen = append(seen, user, r.URL.String())
		w.WriteHeader(http.StatusUnauthorized)
	})
	shop := shopAt(t, server.URL+"/shop/", func(o *Options) {
		o.Logger = slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	_, err := row[productRow](t.Context(), shop.client, "products", 6)
	server.Close()
	_, down := row[productRow](t.Context(), shop.client, "products", 6)
	for _, text := range []string{err.Error(), down.Error(), logged.String(), seen[1]} {
		if strings.Contains(text, testKey) {
			t.Errorf("the key is shown in %s", text)
		}
	}
	if seen[0] != testKey || !strings.HasPrefix(seen[1], "/shop/api/products/6?") {
		t.Errorf("got %q", seen)
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	for name, o := range map[string]Options{
		"no URL":         {Key: testKey},
		"relative URL":   {URL: "/shop", Key: testKey},
		"file URL":       {URL: "file:///etc/passwd", Key: testKey},
		"key in URL":     {URL: "https://" + testKey + "@shop.example", Key: testKey},
		"key in query":   {URL: "https://shop.example/?ws_key=" + testKey, Key: testKey},
		"short key":      {URL: "https://shop.example", Key: "short"},
		"unreadable URL": {URL: "https://shop.example:bad" + testKey, Key: testKey},
	} {
		if _, err := New(o); err == nil || strings.Contains(err.Error(), testKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPingGivesTheVersion(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("PSWS-Version", "9.0.3")
		_, _ = io.WriteString(w, `{"languages":[{"id":1}]}`)
	})
	if version, err := shopAt(t, server.URL, nil).Ping(t.Context()); err != nil || version != "9.0.3" {
		t.Errorf("got %q, %v", version, err)
	}
}

// Eight readers make sixteen calls at once. Once that many connections are
// open, no further read opens one.
func TestConnectionsAreUsedAgain(t *testing.T) {
	const readers, reads = 8, 100
	var opened, waiting atomic.Int64
	full := make(chan struct{})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch resource := strings.TrimPrefix(r.URL.Path, "/api/"); {
		case resource == "languages":
			fmt.Fprint(w, `{"languages":[{"id":1,"iso_code":"en","active":"1"}]}`)
			return
		case resource == "configurations":
			fmt.Fprint(w, `[]`)
			return
		}
		if n := waiting.Add(1); n == 2*readers {
			close(full)
		} else if n < 2*readers {
			<-full
		}
		if id, one := strings.CutPrefix(r.URL.Path, "/api/products/"); one {
			fmt.Fprintf(w, `{"products":[{"id":%s,"price":"1.000000","name":"n"}]}`, id)
			return
		}
		fmt.Fprint(w, `{"stock_availables":[]}`)
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	shop := shopAt(t, server.URL, nil)
	var ids atomic.Int64
	read := func() {
		if _, err := shop.Product(t.Context(), ids.Add(1)); err != nil {
			t.Error(err)
		}
	}
	crowd := func(each int) {
		var all sync.WaitGroup
		for range readers {
			all.Go(func() {
				for range each {
					read()
				}
			})
		}
		all.Wait()
	}
	crowd(1)
	before := opened.Load()
	crowd(reads / readers)
	if more := opened.Load() - before; more != 0 {
		t.Errorf("%d reads opened %d connections beside the %d that were there", reads, more, before)
	}
}

func TestListsAreLoadedOnceForAll(t *testing.T) {
	loads := 0
	release := make(chan struct{})
	list := cached[int]{load: func(context.Context) (int, error) { loads++; <-release; return loads, nil }}
	var waiting sync.WaitGroup
	for range 8 {
		waiting.Go(func() {
			if got, err := list.get(t.Context()); got != 1 || err != nil {
				t.Errorf("got %d, %v", got, err)
			}
		})
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := list.get(gone); faultOf(t, err) != bridge.Unreached {
		t.Errorf("a caller who left got %v", err)
	}
	close(release)
	waiting.Wait()
	list.drop()
	if got, err := list.get(t.Context()); got != 2 || err != nil {
		t.Errorf("after drop: %d, %v", got, err)
	}
}
