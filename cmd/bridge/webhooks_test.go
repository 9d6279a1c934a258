package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// refused runs a command that must end with that status.
func (s shell) refused(status int, args ...string) {
	s.Helper()
	if got, _, faults := s.run(args...); got != status {
		s.Errorf("bridge %s: exit %d, want %d\n%s", strings.Join(args, " "), got, status, faults)
	}
}

// Webhooks from the command line: everything an operator sees and does, with
// the real engine beside it.
func TestWebhookCommands(t *testing.T) {
	s := newShell(t)
	received := make(chan string, 100)
	status := make(chan int, 100)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		received <- r.Header.Get("webhook-id")
		select {
		case code := <-status:
			w.WriteHeader(code)
		default:
		}
	}))
	defer receiver.Close()
	s.env["WEBHOOK_ALLOWED_HOSTS"], s.env["OAUTH_CLIENT_ID"] = "127.0.0.1", testSecrets["OAUTH_CLIENT_ID"]
	s.env["DATABASE_URL"] = "sqlite:" + filepath.Join(s.env["STATE_DIR"], "bridge.db")
	address := startServe(t, s.env)
	var token struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(s.must("clients", "token", testSecrets["OAUTH_CLIENT_ID"], "--reason", "SDK")), &token); err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequest("POST", "http://"+address+"/webhooks", strings.NewReader(`{"webhook":{"topic":"jobs/succeeded","address":"`+receiver.URL+`/hook"}}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-API-ACCESS-TOKEN", token.AccessToken)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != 200 {
		t.Fatalf("POST /webhooks: %s", answer.Status)
	}
	if list := s.must("webhooks", "list"); !strings.Contains(list, "jobs/succeeded") || !strings.Contains(list, receiver.URL) {
		t.Errorf("list:\n%s", list)
	}
	status <- 500
	s.refused(1, "webhooks", "test", "1") // no reason
	s.must("webhooks", "test", "1", "--reason", "trying out")
	first := <-received
	ended := func(state string) bool {
		return strings.Contains(s.must("webhooks", "deliveries", "1", "--state", state), first)
	}
	// The command writes to the database from outside, so the engine finds it by
	// its clock; what it wrote down of the attempt comes a moment later.
	for deadline := time.After(20 * time.Second); !strings.Contains(s.must("webhooks", "delivery", "1"), `"status": 500`); {
		select {
		case <-deadline:
			t.Fatal("the attempt is not in the log")
		case <-time.After(20 * time.Millisecond):
		}
	}
	s.must("webhooks", "disable", "1", "--reason", "gone")
	if !ended("failed") {
		t.Error("what waited for a disabled webhook was not given up")
	}
	s.refused(1, "webhooks", "replay", "1", "--reason", "too early")
	s.must("webhooks", "enable", "1", "--reason", "back")
	s.refused(2, "webhooks", "replay")
	s.refused(1, "webhooks", "replay", "--webhook", "1", "--reason", "all of what?")
	s.must("webhooks", "replay", "--webhook", "1", "--state", "failed", "--reason", "back")
	if again := <-received; again != first {
		t.Errorf("replayed as %s, was %s", again, first)
	}
	if secret := s.must("webhooks", "rotate", "1", "--reason", "yearly"); !strings.Contains(secret, "whsec_") {
		t.Errorf("rotate:\n%s", secret)
	}
	s.must("webhooks", "rotate-token", testSecrets["OAUTH_CLIENT_ID"], "--reason", "leaked")
	s.must("audit", "verify")
	s.must("clients", "token", testSecrets["OAUTH_CLIENT_ID"], "--revoke", "--reason", "done")
}
