package remote_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/bridge/rest/remote"
)

const (
	requestID  = "f47ac10b-58cc-4372-a567-0e02b2c3d479"
	jobID      = "018e5c3e-0000-7000-8000-000000000001"
	otherJob   = "018e5c3e-0000-7000-8000-000000000002"
	update     = `{"product_id":7,"updates":{"price_ht":25.5}}`
	secret     = "the-client-secret"
	hmacSecret = "the-signing-secret"
)

var actor = bridge.Actor{ClientID: "agent", Scopes: []string{auth.ScopeRead, auth.ScopeWrite}}

// reply is what the stand-in answers: JSON with status 200 unless told
// otherwise.
type reply struct {
	status int
	body   string
	header map[string]string
	err    error         // the connection breaks instead, after the request has arrived
	never  bool          // no answer until the caller gives up
	late   time.Duration // before the answer
	cut    bool          // the body breaks off
}

// elsewhere is a bridge without a network, so that its tests run in bubble
// time. It answers from a script, the last reply again and again.
type elsewhere struct {
	mu     sync.Mutex
	script []reply
	token  reply
	tokens int
	seen   []*http.Request
	bodies []string
	log    bytes.Buffer
}

func (e *elsewhere) RoundTrip(r *http.Request) (*http.Response, error) {
	next := e.next(r)
	select {
	case <-r.Context().Done():
		return nil, r.Context().Err()
	default:
	}
	if next.never {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	if next.late > 0 {
		select {
		case <-time.After(next.late):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	if next.err != nil {
		return nil, next.err
	}
	header := http.Header{"Content-Type": {"application/json"}}
	for name, value := range next.header {
		header.Set(name, value)
	}
	var body io.Reader = strings.NewReader(next.body)
	if next.cut {
		body = io.MultiReader(body, brokenReader{})
	}
	status := next.status
	if status == 0 {
		status = 200
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(body), Request: r}, nil
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func (e *elsewhere) next(r *http.Request) reply {
	e.mu.Lock()
	defer e.mu.Unlock()
	if r.URL.Path == "/oauth/token" {
		e.tokens++
		if e.token.status != 0 || e.token.err != nil || e.token.never {
			return e.token
		}
		return reply{body: fmt.Sprintf(`{"access_token":"token-%d","token_type":"Bearer","expires_in":3600}`, e.tokens)}
	}
	body := ""
	if r.Body != nil {
		raw, _ := io.ReadAll(r.Body)
		body = string(raw)
	}
	e.seen, e.bodies = append(e.seen, r), append(e.bodies, body)
	next := e.script[0]
	if len(e.script) > 1 {
		e.script = e.script[1:]
	}
	return next
}

func (e *elsewhere) desk() *remote.Desk {
	return remote.New(remote.Options{
		URL: "https://bridge.example", ClientID: "agent", ClientSecret: secret, HMACSecret: hmacSecret, Scopes: actor.Scopes,
		Log: slog.New(slog.NewTextHandler(&e.log, nil)), Transport: e,
	})
}

func scripted(script ...reply) *elsewhere { return &elsewhere{script: script} }

func do(t *testing.T, e *elsewhere, operation, id, arguments string) (bridge.Answer, *bridge.Error) {
	t.Helper()
	answer, err := e.desk().Do(t.Context(), actor, bridge.Request{Operation: operation, RequestID: id, Arguments: []byte(arguments)})
	if err == nil {
		return answer, nil
	}
	return answer, bridge.AsError(err)
}

func product(id int) string {
	return fmt.Sprintf(`{"id":%d,"reference":"R","active":true,"price_ht":11.9,"names":{},"stock":{"quantity":3}}`, id)
}

func job(id, status string) string {
	return `{"job_id":"` + id + `","kind":"update_product","status":"` + status + `","progress":{"done":1,"total":2},"business_success":true}`
}

func accepted(status, success string) string {
	return `{"job_id":"` + jobID + `","status":"` + status + `","business_success":` + success + `,"tracking_url":"/v1/jobs/` + jobID + `","poll_after_seconds":1,"message":"Everything was changed."}`
}

func problem(status int, code string) reply {
	return reply{status: status, body: fmt.Sprintf(`{"type":"urn:bridge:error:%s","status":%d,"detail":"No.","error_code":%q,"fix":"Do otherwise.","errors":{"/updates":["wrong"],"body":["whole"]}}`, code, status, code), header: map[string]string{"Content-Type": "application/problem+json"}}
}
