package client_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge/rest/client"
)

const (
	requestID = "f47ac10b-58cc-4372-a567-0e02b2c3d479"
	jobID     = "018e5c3e-0000-7000-8000-000000000001"
	update    = `{"product_id":7,"updates":{"price_ht":25.5}}`
	secret    = "id:with spaces & signs +%"
)

// seen is a request as it arrived.
type seen struct {
	method, uri string
	header      http.Header
	body        []byte // decoded
	at          time.Time
}

// reply is what the stand-in answers; lost means that the request arrives and
// its answer does not.
type reply struct {
	status int
	body   string
	header map[string]string
	lost   bool
}

// server stands in for a bridge without a network, so that its tests run in
// bubble time. It checks every signature and answers from a script, the last
// reply again and again.
type server struct {
	t      *testing.T
	mu     sync.Mutex
	tokens int
	script []reply
	seen   []seen
	// ttl is what tokens are said to last; revoked tokens get a 401.
	ttl        int
	revoked    map[string]bool
	tokenReply *reply
}

func newServer(t *testing.T, script ...reply) *server {
	return &server{t: t, script: script, ttl: 3600, revoked: map[string]bool{}}
}

func (s *server) client() *client.Client {
	return &client.Client{
		BaseURL: "https://bridge.example/", ClientID: "handler 1", ClientSecret: secret, HMACSecret: "hmac",
		HTTP: &http.Client{Transport: s},
	}
}

// RoundTrip makes the server its own transport.
func (s *server) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	w := httptest.NewRecorder()
	answer := s.answer(r)
	if answer.lost {
		return nil, errors.New("connection reset by peer")
	}
	for name, value := range answer.header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(answer.status)
	_, _ = io.WriteString(w, answer.body)
	return w.Result(), nil
}

func (s *server) answer(r *http.Request) reply {
	if r.URL.Path == "/oauth/token" {
		return s.token(r)
	}
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Error(err)
	}
	header := r.Header
	signed := auth.StringToSign(r.Method, r.URL.RequestURI(), header.Get("X-Timestamp"), header.Get("X-Request-ID"), auth.BodyHash(raw))
	if !auth.VerifySignature([]string{"hmac"}, signed, header.Get("X-Signature")) {
		s.t.Errorf("%s %s is not signed", r.Method, r.URL)
	}
	if err := auth.CheckTimestamp(header.Get("X-Timestamp"), time.Now(), 30*time.Second); err != nil {
		s.t.Errorf("%s %s: %v", r.Method, r.URL, err)
	}
	s.seen = append(s.seen, seen{r.Method, r.URL.RequestURI(), header, s.decoded(header, raw), time.Now()})
	token := strings.TrimPrefix(header.Get("Authorization"), "Bearer ")
	if s.revoked[token] {
		return reply{status: 401, body: problem(401, "unauthorized")}
	}
	next := s.script[0]
	if len(s.script) > 1 {
		s.script = s.script[1:]
	}
	return next
}

func (s *server) decoded(header http.Header, raw []byte) []byte {
	if header.Get("Content-Encoding") != "gzip" {
		return raw
	}
	reader, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		s.t.Error(err)
		return nil
	}
	text, err := io.ReadAll(reader)
	if err != nil {
		s.t.Error(err)
	}
	return text
}

func (s *server) token(r *http.Request) reply {
	user, password, _ := r.BasicAuth()
	if user != "handler+1" || password != "id%3Awith+spaces+%26+signs+%2B%25" {
		s.t.Errorf("basic %q %q is not form-urlencoded", user, password)
	}
	s.tokens++
	if s.tokenReply != nil {
		return *s.tokenReply
	}
	return reply{status: 200, body: fmt.Sprintf(`{"access_token":"token-%d","token_type":"Bearer","expires_in":%d}`, s.tokens, s.ttl)}
}

func problem(status int, code string) string {
	return fmt.Sprintf(`{"status":%d,"detail":"No.","error_code":%q,"fix":"Do otherwise."}`, status, code)
}

func acceptance(success string) string {
	return `{"job_id":"` + jobID + `","status":"accepted","business_success":` + success + `,"tracking_url":"/v1/jobs/` + jobID + `","poll_after_seconds":1,"message":""}`
}

func job(status string) string {
	return `{"job_id":"` + jobID + `","kind":"update_product","status":"` + status + `","accepted_at":"2024-03-20T16:00:00Z"}`
}
