package costs

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
)

// ceilings are the most allocations of one of each, from the request as
// net/http gives it to the answer, SQLite's driver included. About a tenth
// above what is measured, for the drivers' own changes.
var ceilings = map[string]float64{
	"accept by REST":         400,
	"get_job_status by REST": 340,
	"get_job_status by MCP":  500,
	"job of one step":        1250, // with what lets its calls share transactions
}

const runs = 100

func TestAllocations(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates for itself; make test runs this package once more without it")
	}
	r := newRig(t, noShop{})
	jobID := r.accept(t, bridge.OpUpdateProduct, `{"product_id":7,"updates":{"price_ht":9.5}}`)
	if err := r.worker(noShop{}).Run(t.Context(), jobID); err != nil {
		t.Fatal(err)
	}
	accepts := served(t, r.rest(), http.StatusAccepted, func(i int) *http.Request {
		return r.signed(http.MethodPost, "/v1/jobs/products/update", fmt.Sprintf(`{"product_id":%d,"updates":{"price_ht":9.5}}`, 100+i))
	})
	reads := served(t, r.rest(), http.StatusOK, func(int) *http.Request { return r.signed(http.MethodGet, "/v1/jobs/"+jobID, "") })
	calls := served(t, r.mcp(), http.StatusOK, func(int) *http.Request {
		return r.called(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_job_status","arguments":{"job_id":"` + jobID + `"}}}`)
	})
	worker := r.worker(noShop{})
	var waiting []string
	for i := range runs + 1 {
		waiting = append(waiting, r.accept(t, bridge.OpUpdateProduct, fmt.Sprintf(`{"product_id":%d,"updates":{"price_ht":8.5}}`, 1000+i)))
	}
	next := 0
	jobs := func() {
		if err := worker.Run(t.Context(), waiting[next]); err != nil {
			t.Error(err)
		}
		next++
	}
	for name, do := range map[string]func(){
		"accept by REST": accepts, "get_job_status by REST": reads, "get_job_status by MCP": calls, "job of one step": jobs,
	} {
		got := testing.AllocsPerRun(runs, do)
		if got > ceilings[name] {
			t.Errorf("%s: %.0f allocations; the ceiling is %.0f", name, got, ceilings[name])
		}
		if got < ceilings[name]*3/4 {
			t.Errorf("%s: %.0f allocations are far below the ceiling of %.0f; lower it, so that it holds what was won", name, got, ceilings[name])
		}
	}
}

// served gives each request to the handler once; they are made beforehand.
func served(t *testing.T, handler http.Handler, want int, request func(i int) *http.Request) func() {
	t.Helper()
	requests := make([]*http.Request, runs+1)
	for i := range requests {
		requests[i] = request(i)
	}
	next := 0
	return func() {
		w := httptest.NewRecorder()
		if handler.ServeHTTP(w, requests[next]); w.Code != want {
			t.Errorf("status %d: %s", w.Code, w.Body)
		}
		next++
	}
}

// signed is a request at the REST door.
func (r *rig) signed(method, uri, body string) *http.Request {
	id, now := uuid.NewString(), strconv.FormatInt(time.Now().Unix(), 10)
	request := httptest.NewRequest(method, uri, strings.NewReader(body))
	if body == "" {
		request = httptest.NewRequest(method, uri, nil)
	}
	request.Header.Set("Authorization", "Bearer "+r.token)
	request.Header.Set("Accept", "application/json")
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Request-ID", id)
	request.Header.Set("X-Timestamp", now)
	request.Header.Set("X-Signature", auth.Sign(hmacSecret, auth.StringToSign(method, uri, now, id, auth.BodyHash([]byte(body)))))
	return request
}

// called is a request at the MCP door.
func (r *rig) called(body string) *http.Request {
	request := httptest.NewRequest(http.MethodPost, "/mcp", strings.NewReader(body))
	request.Header.Set("Authorization", "Bearer "+r.token)
	request.Header.Set("Accept", "application/json, text/event-stream")
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Mcp-Protocol-Version", "2025-11-25")
	return request
}
