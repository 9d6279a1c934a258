package durability

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// story tells a job in one line, for failures.
func story(job bridge.Job) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s after %d attempts", job.Status, job.Attempts)
	if job.Error != nil {
		fmt.Fprintf(&b, " (%s: %s)", job.Error.Code, job.Error.Message)
	}
	for _, s := range job.Steps {
		fmt.Fprintf(&b, "; %s%s %s sends=%d %q", s.Unit, s.Name, s.State, s.Sends, s.Detail)
	}
	return b.String()
}

// ended fails the test unless the job has the status.
func ended(t testing.TB, job bridge.Job, want schemas.JobStatus) {
	t.Helper()
	if job.Status != want {
		t.Errorf("the job ended %s, want %s", story(job), want)
	}
}

// result decodes a job's result.
func result[T any](t testing.TB, job bridge.Job) (v T) {
	t.Helper()
	if err := json.Unmarshal(job.Result, &v); err != nil {
		t.Errorf("the result of %s: %v in %s", job.ID, err, job.Result)
	}
	return v
}

// await polls until the condition holds.
func await(t testing.TB, within time.Duration, what string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(within)
	for !done() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", within, what)
		}
		time.Sleep(5 * time.Millisecond) // the pace of looking, not a wait for something to have happened
	}
}

var _ io.Writer = (*logBook)(nil)

// logBook collects what was logged.
type logBook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logBook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// count says how often a text was logged.
func (l *logBook) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Count(l.text.Bytes(), []byte(text))
}

func (l *logBook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logBook) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
