package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// shell runs commands on one state folder.
type shell struct {
	*testing.T
	env map[string]string
}

func newShell(t *testing.T) shell {
	t.Chdir(t.TempDir())
	return shell{t, map[string]string{"STATE_DIR": t.TempDir(), "OAUTH_CLIENT_ID": "configured", "OAUTH_CLIENT_SECRET": testSecrets["OAUTH_CLIENT_SECRET"]}}
}

// run gives exit status, stdout and stderr of a command.
func (s shell) run(args ...string) (int, string, string) {
	var out, faults bytes.Buffer
	status := run(s.Context(), process{args: args, getenv: environment(s.env), stdin: strings.NewReader(""), stdout: &out, stderr: &faults})
	return status, out.String(), faults.String()
}

func (s shell) must(args ...string) string {
	s.Helper()
	status, out, faults := s.run(args...)
	if status != 0 {
		s.Fatalf("bridge %s: exit %d\n%s", strings.Join(args, " "), status, faults)
	}
	return out
}

// failed brings a failed job into the shell's database.
func (s shell) failed() string {
	s.Helper()
	src, err := settingsSource(environment(s.env), "")
	if err != nil {
		s.Fatal(err)
	}
	c, err := loadConfig(src)
	if err != nil {
		s.Fatal(err)
	}
	db, err := openStore(s.Context(), c)
	if err != nil {
		s.Fatal(err)
	}
	defer db.Close()
	job := bridge.Job{
		ID: newJobID(), Kind: bridge.OpUpdateProduct, ClientID: "configured", RequestID: uuid.NewString(), Status: schemas.Accepted,
		Payload: json.RawMessage(`{"product_id":1}`), Targets: []string{"product:1"}, MaxAttempts: 5,
	}
	if _, err := db.Accept(s.Context(), job, "intention"); err != nil {
		s.Fatal(err)
	}
	claim, err := db.Claim(s.Context(), job.ID, "test", jobLease)
	if err != nil {
		s.Fatal(err)
	}
	if err := db.Finish(s.Context(), claim, bridge.Ending{Status: schemas.Failed, Error: &schemas.JobError{Code: "shop_refused", Message: "no", Fix: "ask"}}); err != nil {
		s.Fatal(err)
	}
	return job.ID
}

func TestOperatorsCommands(t *testing.T) {
	s := newShell(t)
	job := s.failed()
	if list := s.must("jobs", "list", "--status", "failed"); !strings.Contains(list, job) || !strings.Contains(list, "shop_refused") {
		t.Errorf("list:\n%s", list)
	}
	if list := s.must("jobs", "list", "--status", "succeeded"); strings.Contains(list, job) {
		t.Errorf("a failed job among the succeeded:\n%s", list)
	}
	if shown := s.must("jobs", "show", job); !strings.Contains(shown, `"status": "failed"`) {
		t.Errorf("show:\n%s", shown)
	}
	if status, _, faults := s.run("jobs", "retry", job); status != 1 || !strings.Contains(faults, "reason") {
		t.Errorf("retry without a reason: exit %d, %s", status, faults)
	}
	if shown := s.must("jobs", "retry", job, "--reason", "rights corrected"); !strings.Contains(shown, `"status": "accepted"`) {
		t.Errorf("retry:\n%s", shown)
	}
	if shown := s.must("jobs", "cancel", job, "--reason", "not wanted any more"); !strings.Contains(shown, `"status": "cancelled"`) {
		t.Errorf("cancel:\n%s", shown)
	}
	for name, args := range map[string][]string{
		"resolve of a cancelled job": {"jobs", "resolve", job, "--applied", "--reason", "x"},
		"resolve without a verdict":  {"jobs", "resolve", job, "--reason", "x"},
		"an unknown job":             {"jobs", "show", newJobID()},
		"no job id":                  {"jobs", "show", "../../etc"},
		"an unknown action":          {"jobs", "explode", job},
	} {
		if status, _, faults := s.run(args...); status != 1 || faults == "" {
			t.Errorf("%s: exit %d, %q", name, status, faults)
		}
	}
	if status, _, faults := s.run("audit", "verify"); status != 0 || !strings.Contains(faults, "2 entries") {
		t.Errorf("audit verify: exit %d, %s", status, faults)
	}
	if log := s.must("audit", "export"); strings.Count(log, "\n") != 2 || !strings.Contains(log, "rights corrected") {
		t.Errorf("audit export:\n%s", log)
	}
}

func TestClientsCommand(t *testing.T) {
	s := newShell(t)
	var added, rotated bridge.Credentials
	if err := json.Unmarshal([]byte(s.must("clients", "add", "handler-2", "--write", "5", "--sources", "10.0.0.0/8", "--reason", "new")), &added); err != nil || len(added.ClientSecret) != 64 || len(added.HMACSecret) != 64 {
		t.Fatalf("%+v, %v", added, err)
	}
	if err := json.Unmarshal([]byte(s.must("clients", "rotate", "handler-2", "--hmac", "--reason", "yearly")), &rotated); err != nil || rotated.HMACSecret == added.HMACSecret || rotated.ClientSecret != "" {
		t.Errorf("%+v, %v", rotated, err)
	}
	s.must("clients", "limits", "handler-2", "--read", "7", "--reason", "busy")
	list := s.must("clients", "list")
	if !strings.Contains(list, "handler-2") || strings.Contains(list, added.ClientSecret) {
		t.Errorf("list:\n%s", list)
	}
	s.must("clients", "revoke", "handler-2", "--reason", "gone")
	if status, _, _ := s.run("clients", "add", "configured", "--reason", "x"); status != 1 {
		t.Error("the client of the settings was registered a second time")
	}
	if log := s.must("audit", "export"); strings.Count(log, "\n") != 4 || strings.Contains(log, added.HMACSecret) {
		t.Errorf("audit:\n%s", log)
	}
}

func TestKeysRotate(t *testing.T) {
	s := newShell(t)
	if first, second := s.must("keys", "rotate"), s.must("keys", "rotate"); first == second {
		t.Errorf("the same key twice: %s", first)
	}
}

func TestWrongCalls(t *testing.T) {
	s := newShell(t)
	for _, args := range [][]string{{"explode"}, {"serve", "--explode"}, {"demo", "now"}, {"jobs"}, {"clients"}, {"audit"}, {"keys"}, {"keys", "show"}} {
		if status, out, faults := s.run(args...); status != 2 || out != "" || faults == "" {
			t.Errorf("bridge %v: exit %d, stdout %q, stderr %q", args, status, out, faults)
		}
	}
	if status, out, _ := s.run(); status != 0 || !strings.Contains(out, "usage") {
		t.Errorf("no arguments: exit %d, %q", status, out)
	}
}

func TestMissingSettingsAreNamedAtOnce(t *testing.T) {
	s := newShell(t)
	s.env = map[string]string{"STATE_DIR": t.TempDir()}
	status, _, faults := s.run("serve", "--listen", "127.0.0.1:0")
	for _, name := range []string{"OAUTH_CLIENT_ID", "OAUTH_CLIENT_SECRET", "HMAC_SECRET_CURRENT", "PRESTASHOP_URL", "PRESTASHOP_WS_KEY"} {
		if status != 1 || !strings.Contains(faults, name) {
			t.Errorf("exit %d, %s is not named:\n%s", status, name, faults)
		}
	}
}

func TestDemoHoldsEveryClaim(t *testing.T) {
	status, out, faults := newShell(t).run("demo", "--once")
	if status != 0 || strings.Contains(out, "✗") || strings.Count(out, "✓") < 15 {
		t.Errorf("exit %d\n%s\n%s", status, out, faults)
	}
}
