package client_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/bridge/rest/client"
)

// bubble runs a test in bubble time: pauses pass at once, and a goroutine left
// behind fails it.
func bubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, test)
}

func TestReads(t *testing.T) {
	for _, c := range []struct{ operation, payload, uri string }{
		{bridge.OpGetProduct, `{"product_id":7}`, "/v1/products/7"},
		{bridge.OpGetProduct, `{"product_id":7.0}`, "/v1/products/7"},
		{bridge.OpGetProduct, `{"product_id":"a/b ?#é"}`, "/v1/products/a%2Fb%20%3F%23%C3%A9"},
		{bridge.OpGetOrder, `{"order_id":456}`, "/v1/orders/456"},
		{bridge.OpGetJobStatus, `{"job_id":"` + jobID + `"}`, "/v1/jobs/" + jobID},
	} {
		bubble(t, func(t *testing.T) {
			s := newServer(t, reply{status: 200, body: `{"id":7}`})
			response, err := s.client().Do(t.Context(), c.operation, "", []byte(c.payload))
			if err != nil {
				t.Fatal(err)
			}
			got := s.seen[0]
			if got.method != http.MethodGet || got.uri != c.uri || len(got.body) != 0 || got.header.Get("Content-Type") != "" {
				t.Errorf("sent %+v, want %s", got, c.uri)
			}
			if string(response.Body) != `{"id":7}` || response.Accepted != nil || response.Finished != nil || response.RequestID == "" {
				t.Errorf("got %+v", response)
			}
		})
	}
}

func TestArgumentsThatNeverLeave(t *testing.T) {
	for name, c := range map[string]struct{ operation, id, payload string }{
		"unknown operation":       {"delete_product", requestID, `{}`},
		"write without an id":     {bridge.OpUpdateProduct, "", update},
		"id of another version":   {bridge.OpUpdateProduct, "f47ac10b-58cc-1372-a567-0e02b2c3d479", update},
		"read without its id":     {bridge.OpGetProduct, "", `{}`},
		"read with more than it":  {bridge.OpGetJobStatus, "", `{"job_id":"x","wait_seconds":3}`},
		"read of nothing":         {bridge.OpGetProduct, "", ``},
		"read of an empty id":     {bridge.OpGetProduct, "", `{"product_id":""}`},
		"read of a list":          {bridge.OpGetProduct, "", `{"product_id":[1]}`},
		"read of a repeated name": {bridge.OpGetProduct, "", `{"product_id":1,"product_id":2}`},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			if _, err := s.client().Do(t.Context(), c.operation, c.id, []byte(c.payload)); err == nil {
				t.Error("no error")
			}
			if len(s.seen) > 0 || s.tokens > 0 {
				t.Error("something was sent")
			}
		})
	}
}

// A 202 is an acceptance, a 200 to a write a finished job, and no answer in
// between or beside is taken for either.
func TestAcceptedIsNotFinished(t *testing.T) {
	do := func(t *testing.T, r reply) (client.Response, error) {
		return newServer(t, r).client().Do(t.Context(), bridge.OpUpdateProduct, requestID, []byte(update))
	}
	bubble(t, func(t *testing.T) {
		response, err := do(t, reply{status: 202, body: acceptance("null")})
		if err != nil || response.Finished != nil || response.Accepted == nil {
			t.Fatalf("got %+v, %v", response, err)
		}
		want := client.Accepted{JobID: jobID, Status: "accepted", TrackingURL: "/v1/jobs/" + jobID, PollAfter: time.Second}
		if *response.Accepted != want {
			t.Errorf("got %+v", response.Accepted)
		}
		response, err = do(t, reply{status: 200, body: job("succeeded")})
		if err != nil || response.Accepted != nil || response.Finished == nil || !response.Finished.Succeeded() {
			t.Errorf("got %+v, %v", response, err)
		}
	})
	for name, r := range map[string]reply{
		"202 that says true":         {status: 202, body: acceptance("true")},
		"202 that says false":        {status: 202, body: acceptance("false")},
		"202 with a finished job":    {status: 202, body: strings.Replace(acceptance("null"), "accepted", "succeeded", 1)},
		"202 without a job":          {status: 202, body: `{}`},
		"202 that is not JSON":       {status: 202, body: `ok`},
		"200 with an unfinished job": {status: 200, body: job("processing")},
		"200 with something else":    {status: 200, body: `{"ok":true}`},
		"204":                        {status: 204},
		"302":                        {status: 302, header: map[string]string{"Location": "https://evil.example/"}},
	} {
		t.Run(name, func(t *testing.T) {
			response, err := do(t, r)
			if err == nil || response.Finished != nil || response.Accepted != nil {
				t.Errorf("got %+v, %v", response, err)
			}
		})
	}
}

func TestCompression(t *testing.T) {
	for size, compressed := range map[int]bool{100: false, 1024: false, 1025: true, 40000: true} {
		s := newServer(t, reply{status: 202, body: acceptance("null")})
		payload := update[:len(update)-1] + strings.Repeat(" ", size-len(update)) + "}"
		if _, err := s.client().Do(t.Context(), bridge.OpUpdateProduct, requestID, []byte(payload)); err != nil {
			t.Fatal(err)
		}
		got := s.seen[0]
		if (got.header.Get("Content-Encoding") == "gzip") != compressed || string(got.body) != payload {
			t.Errorf("%d bytes: encoding %q", size, got.header.Get("Content-Encoding"))
		}
	}
}

// Whatever is lost or postponed is sent again under the same request id, with
// a fresh time, until it is answered.
func TestRetries(t *testing.T) {
	accepted := reply{status: 202, body: acceptance("null")}
	later := reply{status: 429, body: problem(429, "rate_limited"), header: map[string]string{"Retry-After": "7"}}
	for name, c := range map[string]struct {
		script []reply
		sent   int
		least  time.Duration
		code   string
	}{
		"lost once":                   {[]reply{{lost: true}, accepted}, 2, 0, ""},
		"lost four times":             {[]reply{{lost: true}, {lost: true}, {lost: true}, {lost: true}, accepted}, 5, time.Second, ""},
		"rate limited":                {[]reply{later, accepted}, 2, 7 * time.Second, ""},
		"rate limited twice":          {[]reply{later, later, accepted}, 3, 14 * time.Second, ""},
		"unavailable without a time":  {[]reply{{status: 503, body: problem(503, "shop_unavailable")}, accepted}, 2, 0, ""},
		"a proxy's 502 and 504":       {[]reply{{status: 502, body: "bad gateway"}, {status: 504}, accepted}, 3, 0, ""},
		"unavailable all the time":    {[]reply{{status: 503, body: problem(503, "shop_unavailable")}}, 5, 0, "shop_unavailable"},
		"rate limited for an hour":    {[]reply{{status: 429, body: problem(429, "rate_limited"), header: map[string]string{"Retry-After": "3600"}}}, 1, 0, "rate_limited"},
		"a refusal":                   {[]reply{{status: 422, body: problem(422, "policy_refused")}}, 1, 0, "policy_refused"},
		"a conflict":                  {[]reply{{status: 409, body: problem(409, "idempotency_conflict")}}, 1, 0, "idempotency_conflict"},
		"a fault inside the bridge":   {[]reply{{status: 500, body: problem(500, "internal_error")}}, 1, 0, "internal_error"},
		"a signature that is refused": {[]reply{{status: 403, body: problem(403, "bad_signature")}}, 1, 0, "bad_signature"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s, start := newServer(t, c.script...), time.Now()
				_, err := s.client().Do(t.Context(), bridge.OpUpdateProduct, requestID, []byte(update))
				var refused *client.Refusal
				errors.As(err, &refused)
				switch {
				case c.code == "" && err != nil:
					t.Error(err)
				case c.code != "" && (refused == nil || refused.Problem.ErrorCode != c.code):
					t.Errorf("got %v, want %s", err, c.code)
				}
				if len(s.seen) != c.sent || time.Since(start) < c.least || time.Since(start) > time.Minute {
					t.Errorf("sent %d times in %v", len(s.seen), time.Since(start))
				}
				for _, one := range s.seen {
					if one.header.Get("X-Request-ID") != requestID || string(one.body) != update {
						t.Errorf("sent as %s: %s", one.header.Get("X-Request-ID"), one.body)
					}
				}
			})
		})
	}
}

func TestNetworkThatStaysAway(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newServer(t, reply{lost: true})
		c := s.client()
		c.Attempts = 3
		if _, err := c.Do(t.Context(), bridge.OpGetProduct, "", []byte(`{"product_id":7}`)); err == nil || !strings.Contains(err.Error(), "reset") {
			t.Errorf("got %v", err)
		}
		if len(s.seen) != 3 {
			t.Errorf("sent %d times", len(s.seen))
		}
	})
}

func TestCancelledWhileItWaits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newServer(t, reply{status: 503, header: map[string]string{"Retry-After": "30"}})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		_, err := s.client().Do(ctx, bridge.OpUpdateProduct, requestID, []byte(update))
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 10*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}

func TestWait(t *testing.T) {
	for _, end := range []string{"succeeded", "failed", "needs_review", "cancelled"} {
		t.Run(end, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newServer(t, reply{status: 200, body: job("accepted")}, reply{status: 200, body: job("processing")},
					reply{status: 200, body: job("retrying")}, reply{status: 200, body: job(end)})
				finished, err := s.client().Wait(t.Context(), strings.ToUpper(jobID))
				if err != nil || finished.Succeeded() != (end == "succeeded") || string(finished.Job.Status) != end {
					t.Errorf("got %+v, %v", finished, err)
				}
				ids := map[string]bool{}
				for _, one := range s.seen {
					ids[one.header.Get("X-Request-ID")] = true
				}
				if len(ids) != 4 {
					t.Errorf("%d polls under %d request ids", len(s.seen), len(ids))
				}
			})
		})
	}
}

// A job that never ends is polled slower and slower, far below the read rate,
// until the caller has enough.
func TestWaitForEver(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newServer(t, reply{status: 200, body: job("processing")})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		if _, err := s.client().Wait(ctx, jobID); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if perMinute := len(s.seen) / 10; perMinute > 15 {
			t.Errorf("%d polls a minute", perMinute)
		}
	})
}

func TestWaitForNothing(t *testing.T) {
	s := newServer(t, reply{status: 404, body: problem(404, "not_found")})
	var refused *client.Refusal
	if _, err := s.client().Wait(t.Context(), jobID); !errors.As(err, &refused) || refused.Status != 404 {
		t.Errorf("got %v", err)
	}
	if _, err := s.client().Wait(t.Context(), "../../etc"); err == nil {
		t.Error("no error for an id that is none")
	}
	s = newServer(t, reply{status: 200, body: `{}`})
	if _, err := s.client().Wait(t.Context(), jobID); err == nil {
		t.Error("no error for a job that is none")
	}
}

// An agent reads the error as text: it must name the rule and what to do.
func TestRefusalReadsAsAdvice(t *testing.T) {
	s := newServer(t, reply{status: 422, body: `{"status":422,"detail":"No gross prices.","error_code":"policy_refused","rule":"ht-only","fix":"Send price_ht."}`})
	_, err := s.client().Do(t.Context(), bridge.OpUpdateProduct, requestID, []byte(update))
	want := "the bridge answered 422 policy_refused: No gross prices. [ht-only] Send price_ht."
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}
