package rest_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/policies"
	"github.com/prestashop-bridge/bridge/schemas"
)

// Every kind of answer as it is on the wire.
func TestAnswers(t *testing.T) {
	accepted := func(r *rig) { r.send(write(updateBody)) }
	conflicting := strings.Replace(updateBody, "25.5", "26", 1)
	language := func(tag string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Accept-Language", tag) }
	}
	wrong := write(`{"product_id":0,"updates":{"price_ht":"a lot"},"colour":"red"}`)
	wrongInChinese := wrong
	wrongInChinese.after = language("zh-CN,zh;q=0.9,en;q=0.8")
	for _, c := range []struct {
		name    string
		prepare func(*rig)
		shot    shot
		status  int
	}{
		{"200-product", nil, read(productPath), 200},
		{"200-order", nil, read("/v1/orders/456"), 200},
		{"200-job", accepted, read("/v1/jobs/018e5c3e-0000-7000-8000-000000000001"), 200},
		{"200-replay", func(r *rig) { accepted(r); r.back.end(schemas.Succeeded, nil) }, write(updateBody), 200},
		{"202-accepted", nil, write(updateBody), 202},
		{"202-same-job", accepted, write(updateBody), 202},
		{"400-schema", nil, wrong, 400},
		{"400-schema-zh", nil, wrongInChinese, 400},
		{"400-json", nil, write(`{"product_id":1,`), 400},
		{"400-empty", nil, shot{method: "POST", uri: updatePath, after: func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }}, 400},
		{"400-id", nil, read("/v1/products/seven"), 400},
		{"400-request-id", nil, shot{method: "GET", uri: productPath, requestID: "53bd8b74-7117-1c49-89e6-4ec80a9e761d"}, 400},
		{"400-request-id-missing", nil, shot{method: "GET", uri: productPath, after: func(r *http.Request) { r.Header.Del("X-Request-ID") }}, 400},
		{"400-query", nil, read(productPath + "?a=1&b=2&a=3"), 400},
		{"401-no-token", nil, shot{method: "GET", uri: productPath, after: func(r *http.Request) { r.Header.Del("Authorization") }}, 401},
		{"403-window", nil, shot{method: "GET", uri: productPath, skew: time.Minute}, 403},
		{"403-signature", nil, shot{method: "GET", uri: productPath, secret: "wrong"}, 403},
		{"404-job", nil, read("/v1/jobs/550e8400-e29b-41d4-a716-446655440000"), 404},
		{"404-route", nil, read("/v2/products/1"), 404},
		{"405-method", nil, shot{method: "PUT", uri: updatePath}, 405},
		{"405-delete-product", nil, shot{method: "DELETE", uri: productPath}, 405},
		{"406-accept", nil, shot{method: "GET", uri: productPath, after: func(r *http.Request) { r.Header.Del("Accept") }}, 406},
		{"409-conflict", accepted, write(conflicting), 409},
		{"409-known-failed", func(r *rig) {
			accepted(r)
			r.back.end(schemas.Failed, &schemas.JobError{Code: "unprocessable", Message: "The shop refused the price.", Fix: "Lower it."})
		}, write(updateBody), 409},
		{"413-size", nil, shot{method: "POST", uri: updatePath, payload: padded(10485761)}, 413},
		{"415-gzip", nil, write(padded(32769)), 415},
		{"422-policy", nil, write(`{"product_id":1,"updates":{"price_ttc":30}}`), 422},
		{"422-transition", func(r *rig) {
			r.back.shopErr = bridge.Fault(bridge.CodeImpossibleTransition, nil, "An order that is delivered cannot go back to processing.")
		}, write(updateBody), 422},
		{"429-rate", func(r *rig) { r.back.window = bridge.RateWindow{Limit: 20, Reset: 12300 * time.Millisecond} }, write(updateBody), 429},
		{"500-internal", func(r *rig) { r.back.storeErr = errors.New("secret DSN in an error") }, write(updateBody), 500},
		{"500-panic", func(r *rig) { r.back.panics = true }, read(productPath), 500},
		{"503-store", func(r *rig) {
			r.back.storeErr = bridge.Fault(bridge.CodeStoreUnavailable, errors.New("secret DSN in an error"), "The database does not answer.")
		}, write(updateBody), 503},
		{"503-queue", func(r *rig) {
			r.back.queueErr = bridge.Fault(bridge.CodeQueueUnavailable, nil, "The queue does not answer.")
		}, write(updateBody), 503},
		{"503-limiter", func(r *rig) {
			r.back.window, r.back.limitErr = bridge.RateWindow{}, bridge.Fault(bridge.CodeQueueUnavailable, nil, "The queue does not answer.")
		}, read(productPath), 503},
		{"503-shop", func(r *rig) {
			r.back.shopErr = &bridge.ShopError{Fault: bridge.Unreached, Code: bridge.CodeShopUnavailable, Message: "The shop does not answer."}
		}, read(productPath), 503},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			if c.prepare != nil {
				c.prepare(r)
			}
			w := r.send(c.shot)
			expect(t, w, c.status)
			golden(t, c.name, w)
			for _, leak := range []string{"secret DSN", "the secret of a panic", "goroutine"} {
				if strings.Contains(w.Body.String(), leak) {
					t.Errorf("the answer leaks %q", leak)
				}
			}
		})
	}
}

// The contract's rule, on every answer of the door that carries the word: a
// 202 says null, a 200 says true only for a job that succeeded.
func TestAcceptedIsNotSuccess(t *testing.T) {
	r := newRig(t)
	for _, status := range []schemas.JobStatus{"", schemas.Processing, schemas.Retrying, schemas.AwaitingApproval} {
		if status != "" {
			r.back.end(status, nil)
		}
		w := r.send(write(updateBody))
		expect(t, w, http.StatusAccepted)
		if success := businessSuccess(t, w.Body.Bytes()); success != nil {
			t.Errorf("%s: a 202 says %v", status, success)
		}
	}
	r.back.end(schemas.Succeeded, nil)
	w := r.send(write(updateBody))
	expect(t, w, http.StatusOK)
	if success := businessSuccess(t, w.Body.Bytes()); success != true || w.Header().Get("Idempotent-Replayed") != "true" {
		t.Errorf("the replay says %v", success)
	}
	for _, status := range []schemas.JobStatus{schemas.Failed, schemas.NeedsReview, schemas.Cancelled} {
		r.back.end(status, nil)
		p := r.refused(write(updateBody), http.StatusConflict, bridge.CodeKnownFailedReplay)
		if success := businessSuccess(t, p.Job); success != false {
			t.Errorf("%s: the embedded job says %v", status, success)
		}
	}
}

func businessSuccess(t *testing.T, body []byte) any {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal(body, &object); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	success, present := object["business_success"]
	if !present {
		t.Fatalf("no business_success in %s", body)
	}
	return success
}

// Redis is away: a new write is refused before anything is accepted.
func TestNothingIsAcceptedWithoutTheQueue(t *testing.T) {
	r := newRig(t)
	r.back.queueErr = bridge.Fault(bridge.CodeQueueUnavailable, nil, "The queue does not answer.")
	r.refused(write(updateBody), http.StatusServiceUnavailable, bridge.CodeQueueUnavailable)
	if len(r.back.jobs) > 0 {
		t.Error("a job was accepted")
	}
}

func TestUnansweringShopDoesNotStopAWrite(t *testing.T) {
	r := newRig(t)
	r.back.shopErr = &bridge.ShopError{Fault: bridge.Unreached, Code: bridge.CodeShopUnavailable, Message: "down"}
	expect(t, r.send(write(updateBody)), http.StatusAccepted)
}

func TestErrorMediaType(t *testing.T) {
	for accept, want := range map[string]string{
		"application/json":                           "application/json",
		"application/json, application/problem+json": "application/problem+json",
		"*/*":                       "application/problem+json",
		"text/html":                 "application/json",
		"application/*":             "application/problem+json",
		"application/json, */*;q=0": "application/json",
	} {
		s := read("/v1/products/seven")
		s.after = func(r *http.Request) { r.Header.Set("Accept", accept) }
		if got := newRig(t).send(s).Header().Get("Content-Type"); got != want {
			t.Errorf("Accept %q: got %q, want %q", accept, got, want)
		}
	}
}

func TestMediaTypes(t *testing.T) {
	for _, c := range []struct {
		header, value string
		status        int
	}{
		{"Accept", "application/json", 202},
		{"Accept", "APPLICATION/JSON", 202},
		{"Accept", "application/json;q=0.1, text/html", 202},
		{"Accept", "text/html, */*;q=0.01", 202},
		{"Accept", "application/*", 202},
		{"Accept", "application/json; charset=utf-8", 202},
		{"Accept", "application/json;q=0", 406},
		{"Accept", "application/json;q=0, */*", 406},
		{"Accept", "*/*;q=0", 406},
		{"Accept", "application/json;q=2", 406},
		{"Accept", "application/json;q=x", 406},
		{"Accept", "application/jsonx, json, text/*", 406},
		{"Accept", "", 406},
		{"Content-Type", "application/json; charset=UTF-8", 202},
		{"Content-Type", `application/json;charset="utf-8"`, 202},
		{"Content-Type", "Application/JSON", 202},
		{"Content-Type", "application/json; charset=latin1", 415},
		{"Content-Type", "application/problem+json", 415},
		{"Content-Type", "application/jsonx", 415},
		{"Content-Type", "application/x-www-form-urlencoded", 415},
		{"Content-Type", "application/json;", 202},
		{"Content-Type", "application/json; =", 415},
		{"Content-Type", "", 415},
	} {
		s := write(updateBody)
		s.after = func(r *http.Request) { r.Header.Set(c.header, c.value) }
		if w := newRig(t).send(s); w.Code != c.status {
			t.Errorf("%s: %s: got %d, want %d", c.header, c.value, w.Code, c.status)
		}
	}
}

func TestHeadersOfEveryProtectedAnswer(t *testing.T) {
	r := newRig(t)
	for _, s := range []shot{read(productPath), write(updateBody), read("/v1/products/x"), {method: "GET", uri: productPath, secret: "wrong"}} {
		header := r.send(s).Header()
		for name, want := range map[string]string{
			"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Request-Id": requestID, "Content-Type": "application/json",
		} {
			if got := header.Get(name); got != want {
				t.Errorf("%s %s: %s is %q, want %q", s.method, s.uri, name, got, want)
			}
		}
	}
}

// A door without settings holds the contract's own limits.
func TestZeroSettingsAreTheContract(t *testing.T) {
	r := newRig(t)
	server := r.door.Server("127.0.0.1:0")
	if server.ReadHeaderTimeout != 10*time.Second || server.ReadTimeout != time.Minute || server.IdleTimeout != 2*time.Minute || server.MaxHeaderBytes != 16<<10 {
		t.Errorf("timeouts %+v", server)
	}
	p := r.refused(shot{method: "POST", uri: updatePath, payload: padded(policies.DefaultMaxPayloadBytes + 1)}, 413, bridge.CodePayloadTooLarge)
	if !strings.Contains(p.Detail, "10485760") {
		t.Errorf("detail %q", p.Detail)
	}
}
