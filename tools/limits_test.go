package tools

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/prestashop-bridge/bridge/bridge"
)

// unread fails the test when somebody reads it.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, io.EOF
}

func TestBodiesOverTheLimitAre413(t *testing.T) {
	door := withGate(t, newWorld().door())
	door.MaxPayloadBytes = 1000
	big := strings.Repeat("x", 1000+envelopeBytes+1)
	// Only Content-Length is looked at before the token, and nothing is read.
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, Path, unread{t})
	r.ContentLength = int64(len(big))
	w := httptest.NewRecorder()
	door.Handler().ServeHTTP(w, r)
	if p := problemOf(t, w); w.Code != 413 || p.Rule != "max-payload" {
		t.Errorf("announced: %d %+v", w.Code, p)
	}
	chunked := io.MultiReader(strings.NewReader(big)) // of unknown length
	if w := send(t, door.Handler(), http.MethodPost, chunked, bearer(t, door, writer)); w.Code != 413 {
		t.Errorf("found out while reading: %d", w.Code)
	}
	if w := send(t, door.Handler(), http.MethodPost, unread{t}, nil); w.Code != 401 {
		t.Errorf("without token: %d", w.Code)
	}
}

// Two bodies above a mebibyte are never served at the same time; small ones
// pass meanwhile.
func TestLargeBodiesAreServedOneAtATime(t *testing.T) {
	door := withGate(t, newWorld().door())
	e := door.newEndpoint()
	first, goOn := make(chan struct{}), make(chan struct{})
	var served atomic.Int32
	e.inner = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if served.Add(1) == 1 {
			close(first)
			<-goOn
		}
	})
	large := callLine(1, bridge.OpImportProducts, `{"a":"`+strings.Repeat("x", largeBody)+`"}`)
	header := bearer(t, door, writer)
	var calls sync.WaitGroup
	calls.Go(func() { post(t, e, large, header) })
	<-first
	post(t, e, ping, header) // is not held up
	ctx, giveUp := context.WithCancel(t.Context())
	asked := &asking{Reader: strings.NewReader(large), after: largeBody, then: giveUp}
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, Path, asked)
	r.Header.Set("Authorization", header["Authorization"])
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	if p := problemOf(t, w); p.ErrorCode != string(bridge.CodeInvalidRequest) {
		t.Errorf("given up while waiting: %+v", p)
	}
	close(goOn)
	calls.Wait()
	post(t, e, large, header) // the turn was given back
	if got := served.Load(); got != 3 {
		t.Errorf("%d served, want 3", got)
	}
}

// asking calls then once more than after bytes have been read.
type asking struct {
	io.Reader
	read, after int
	then        func()
}

func (a *asking) Read(p []byte) (int, error) {
	n, err := a.Reader.Read(p)
	if a.read += n; a.read > a.after {
		a.then()
	}
	return n, err
}

func TestTenMegabytesComeThrough(t *testing.T) {
	door := withGate(t, newWorld().door())
	body := callLine(1, bridge.OpGetProduct, `{"product_id":1`+strings.Repeat(" ", 10<<20-20)+`}`)
	w := post(t, door.Handler(), body, bearer(t, door, writer))
	if answer := readOutcome(t, w.Body.String()); w.Code != 200 || answer.Result == nil || answer.Result.IsError {
		t.Errorf("%d %.200s", w.Code, w.Body)
	}
}
