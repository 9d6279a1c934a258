package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/prestashop/sandbox"
	"github.com/prestashop-bridge/bridge/schemas"
)

// mall is a bridge on two shops: agent works on the one of the settings, buyer
// on the outlet.
type mall struct {
	*rig
	*testing.T
	outlet *sandbox.Shop
	agent  httpDoor
	buyer  httpDoor
	log    *safeBuffer
}

// operate runs a command beside the running bridge, with something on stdin.
func (m mall) operate(stdin string, args ...string) (status int, out, faults string) {
	m.Helper()
	var stdout, stderr bytes.Buffer
	status = run(m.Context(), process{args: args, getenv: environment(m.builtIn.settings()), stdin: strings.NewReader(stdin), stdout: &stdout, stderr: &stderr})
	if text := stdout.String() + stderr.String(); strings.Contains(text, sandboxKey) {
		m.Errorf("bridge %v shows the webservice key:\n%s", args, text)
	}
	return status, stdout.String(), stderr.String()
}

func (m mall) must(stdin string, args ...string) string {
	m.Helper()
	status, out, faults := m.operate(stdin, args...)
	if status != 0 {
		m.Fatalf("bridge %v: exit %d\n%s", args, status, faults)
	}
	return out
}

func newMall(t *testing.T, extra map[string]string) mall {
	t.Helper()
	log, out := logged()
	m := mall{rig: newRigWith(t, extra, log, func(*config) {}), T: t, log: out}
	second, err := openBuiltIn()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(second.close)
	m.outlet = second.shop
	if err := m.outlet.SetStock(1, 0, 77); err != nil {
		t.Fatal(err)
	}
	m.must(sandboxKey+"\n", "shops", "add", "outlet", "--url", second.url, "--key-file", "-", "--reason", "opened")
	m.must("", "clients", "add", "buyer", "--shop", "outlet", "--reason", "its handler")
	gate, err := m.parts.gate()
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := gate.Tokens.Issue("buyer", []string{auth.ScopeRead, auth.ScopeWrite})
	if err != nil {
		t.Fatal(err)
	}
	buyer := *m.rig
	buyer.token = token
	m.agent, m.buyer = httpDoor{m.rig}, httpDoor{&buyer}
	return m
}

// ended waits for the end of a job, whoever's it is.
func (m mall) ended(jobID string) bridge.Job {
	m.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(20 * time.Second)
	for {
		job, err := m.parts.store.Job(m.Context(), jobID)
		if err != nil {
			m.Fatal(err)
		}
		if job.Status.Terminal() {
			return job
		}
		select {
		case <-tick.C:
		case <-late:
			m.Fatalf("the job is still %s", job.Status)
		}
	}
}

// untilGone waits until the running bridge has noticed that the outlet was
// removed: a second, at most.
func (m mall) untilGone() {
	m.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(5 * time.Second)
	for {
		_, err := m.parts.desk.Do(m.Context(), bridge.Actor{ClientID: "buyer", Shop: "outlet", Scopes: []string{auth.ScopeRead}},
			bridge.Request{Operation: bridge.OpGetProduct, Arguments: []byte(`{"product_id":1}`)})
		if bridge.AsError(err).Code == bridge.CodeShopUnknown {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			m.Fatalf("the shop is still there: %v", err)
		}
	}
}

const addTen = `{"product_id":1,"updates":{"stock_delta":10}}`

// TestTwoShopsInOneDeployment: the same product id and the same request id, for
// two clients on two shops.
func TestTwoShopsInOneDeployment(t *testing.T) {
	m := newMall(t, nil)
	here, there := m.agent.call(t, "get_product", id(0), `{"product_id":1}`), m.buyer.call(t, "get_product", id(0), `{"product_id":1}`)
	if a, b := fmt.Sprint(here.Body), fmt.Sprint(there.Body); !strings.Contains(a, "quantity:120") || !strings.Contains(b, "quantity:77") {
		t.Errorf("agent reads %s\nbuyer reads %s", a, b)
	}
	mine, theirs := m.agent.call(t, "update_product", id(1), addTen), m.buyer.call(t, "update_product", id(1), addTen)
	if mine.Job == theirs.Job || mine.Code != "" || theirs.Code != "" {
		t.Fatalf("%+v, %+v", mine, theirs)
	}
	for _, job := range []bridge.Job{m.ended(mine.Job), m.ended(theirs.Job)} {
		if job.Status != schemas.Succeeded || len(job.Steps) == 0 || job.Steps[0].Target != "product:1" {
			t.Errorf("%s %+v, %+v", job.Status, job.Error, job.Steps)
		}
	}
	if a, b := stockOf(t, m.builtIn.shop, 1), stockOf(t, m.outlet, 1); a != 130 || b != 87 {
		t.Errorf("stocks of %d and %d", a, b)
	}
	for _, shop := range []*sandbox.Shop{m.builtIn.shop, m.outlet} {
		if got := shop.Effects().Count("PATCH", "", 0); got != 1 {
			t.Errorf("%d writes", got)
		}
	}
	if v := m.agent.call(t, "get_job_status", id(2), `{"job_id":"`+theirs.Job+`"}`); v.Code != "not_found" {
		t.Errorf("the agent sees the buyer's job: %+v", v)
	}
	if v := m.buyer.call(t, "get_job_status", id(2), `{"job_id":"`+mine.Job+`"}`); v.Code != "not_found" {
		t.Errorf("the buyer sees the agent's job: %+v", v)
	}
	if list := m.must("", "jobs", "list", "--shop", "outlet"); !strings.Contains(list, theirs.Job) || strings.Contains(list, mine.Job) {
		t.Errorf("the outlet's jobs:\n%s", list)
	}
	if list := m.must("", "jobs", "list", "--shop", "default"); strings.Contains(list, theirs.Job) || !strings.Contains(list, mine.Job) {
		t.Errorf("the other's jobs:\n%s", list)
	}
	if shown := m.must("", "jobs", "show", theirs.Job); !strings.Contains(shown, `"shop": "outlet"`) {
		t.Errorf("show:\n%s", shown)
	}
	for line := range strings.Lines(m.log.String()) {
		if strings.Contains(line, `"msg":"request"`) && strings.Contains(line, `"shop":"outlet"`) != strings.Contains(line, `"client":"buyer"`) {
			t.Errorf("the audit line names the wrong shop: %s", line)
		}
	}
}

// TestShopsDoNotHoldEachOtherUp: a shop that hangs at every call, with more
// jobs than there are workers, and the same product in the other.
func TestShopsDoNotHoldEachOtherUp(t *testing.T) {
	m := newMall(t, map[string]string{"JOB_WORKERS": "2"})
	release := make(chan struct{})
	unhang := m.builtIn.shop.Inject(sandbox.Fault{Method: "PATCH", Act: sandbox.Slow(sandbox.Until(release))})
	var mine []string
	for i, product := range []int{1, 2, 3, 4} {
		v := m.agent.call(t, "update_product", id(10+i), fmt.Sprintf(`{"product_id":%d,"updates":{"price_ht":5}}`, product))
		if v.Code != "" {
			t.Fatalf("%+v", v)
		}
		mine = append(mine, v.Job)
	}
	for i := range 3 {
		theirs := m.buyer.call(t, "update_product", id(20+i), addTen)
		if job := m.ended(theirs.Job); job.Status != schemas.Succeeded {
			t.Errorf("the buyer's job ended %s: %+v", job.Status, job.Error)
		}
	}
	for _, jobID := range mine {
		if job, err := m.parts.store.Job(t.Context(), jobID); err != nil || job.Status.Terminal() {
			t.Errorf("the agent's job did not hang: %s, %v", job.Status, err)
		}
	}
	unhang()
	close(release)
	for _, jobID := range mine {
		if job := m.ended(jobID); job.Status != schemas.Succeeded {
			t.Errorf("the agent's job ended %s: %+v", job.Status, job.Error)
		}
	}
	if got := stockOf(t, m.outlet, 1); got != 107 {
		t.Errorf("a stock of %d at the outlet", got)
	}
}

// TestAShopIsRemovedLast: after its clients and its jobs. What is left of it
// fails with words that help.
func TestAShopIsRemovedLast(t *testing.T) {
	m := newMall(t, nil)
	if status, _, faults := m.operate("", "shops", "remove", "outlet", "--reason", "closed"); status != 1 || !strings.Contains(faults, "bridge clients revoke") {
		t.Errorf("exit %d: %s", status, faults)
	}
	m.must("", "clients", "revoke", "buyer", "--reason", "closing")
	m.must("", "shops", "remove", "outlet", "--reason", "closed")
	if status, _, faults := m.operate("", "clients", "add", "late", "--shop", "outlet", "--reason", "x"); status != 1 || !strings.Contains(faults, "no shop outlet") {
		t.Errorf("a client of a removed shop: exit %d: %s", status, faults)
	}
	m.untilGone()
	stray := bridge.Job{
		ID: newJobID(), Kind: bridge.OpUpdateProduct, ClientID: "buyer", Shop: "outlet", RequestID: uuid.NewString(), Status: schemas.Accepted,
		Payload: json.RawMessage(`{"product_id":1,"updates":{"stock_delta":10}}`), Targets: []string{"product:1"}, MaxAttempts: 5, AcceptedAt: time.Now(),
	}
	if _, err := m.parts.store.Accept(t.Context(), stray, "intention"); err != nil {
		t.Fatal(err)
	}
	if job := m.ended(stray.ID); job.Status != schemas.Failed || job.Error.Code != "shop_unknown" || !strings.Contains(job.Error.Fix, "bridge shops") {
		t.Errorf("%s, %+v", job.Status, job.Error)
	}
	if list := m.must("", "shops", "list"); !strings.Contains(list, "outlet") || !strings.Contains(list, "default") {
		t.Errorf("list:\n%s", list)
	}
	if status, _, faults := m.operate(sandboxKey, "shops", "add", "outlet", "--url", "https://x.example.com", "--key-file", "-", "--reason", "again"); status != 1 || !strings.Contains(faults, "another name") {
		t.Errorf("the name again: exit %d: %s", status, faults)
	}
}

func TestShopsCommand(t *testing.T) {
	s := newShell(t)
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte(sandboxKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	add := []string{"shops", "add", "outlet", "--url", "https://outlet.example.com", "--employee", "3", "--key-file", file, "--reason", "opened"}
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no key":             {[]string{"shops", "add", "outlet", "--url", "https://x.example.com", "--reason", "x"}, "--key-file"},
		"an empty key":       {[]string{"shops", "add", "outlet", "--url", "https://x.example.com", "--reason", "x", "--key-file", "-"}, "32 characters"},
		"no reason":          {add[:len(add)-2], "reason"},
		"no address":         {[]string{"shops", "add", "outlet", "--key-file", file, "--reason", "x"}, "absolute"},
		"a key file missing": {[]string{"shops", "add", "outlet", "--key-file", file + "x", "--reason", "x"}, "--key-file"},
		"nothing to set":     {[]string{"shops", "set", "outlet", "--reason", "x"}, "--url or --employee"},
		"an unknown shop":    {[]string{"shops", "remove", "nowhere", "--reason", "x"}, "bridge shops list"},
		"an unknown action":  {[]string{"shops", "explode", "outlet"}, "no action"},
		"a job filter":       {[]string{"jobs", "list", "--shop", "A/B"}, "lower-case"},
		"stdio on no shop":   {[]string{"mcp", "--sandbox", "--shop", "nowhere"}, "There is no shop nowhere"},
		"a check of no name": {[]string{"check", "--shop", "A/B"}, "lower-case"},
	} {
		if status, _, faults := s.run(c.args...); status != 1 || !strings.Contains(faults, c.want) || strings.Contains(faults, sandboxKey) {
			t.Errorf("%s: exit %d: %s", name, status, faults)
		}
	}
	s.must(add...)
	s.must("shops", "set", "outlet", "--employee", "0", "--reason", "nobody")
	s.must("shops", "rotate-key", "outlet", "--key-file", file, "--reason", "yearly")
	s.must("clients", "add", "buyer", "--shop", "outlet", "--reason", "its handler")
	if list := s.must("clients", "list"); !strings.Contains(list, "outlet") {
		t.Errorf("clients:\n%s", list)
	}
	if list := s.must("shops", "list"); !strings.Contains(list, "https://outlet.example.com  0 ") || strings.Contains(list, sandboxKey) {
		t.Errorf("shops:\n%s", list)
	}
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	if status, _, faults := s.run("shops", "rotate-key", "outlet", "--key-file", file, "--reason", "x"); status != 1 || !strings.Contains(faults, "chmod 600") {
		t.Errorf("a key others can read: exit %d: %s", status, faults)
	}
	if log := s.must("audit", "export"); strings.Count(log, `"shop-`) != 3 || strings.Contains(log, sandboxKey) {
		t.Errorf("audit:\n%s", log)
	}
}

// TestCheckOfAnotherShop looks at the shop that is named and at no other.
func TestCheckOfAnotherShop(t *testing.T) {
	g := newGround(t)
	second, err := openBuiltIn()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(second.close)
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte(sandboxKey), 0o600); err != nil {
		t.Fatal(err)
	}
	g.must("shops", "add", "outlet", "--url", second.url, "--key-file", file, "--reason", "opened")
	second.shop.ResetEffects()
	g.shop.ResetEffects()
	if _, out := g.check("--shop", "outlet", "--write-test", "1"); !strings.Contains(out, second.url) || !strings.Contains(out, "120, 121, 120") {
		t.Errorf("the report:\n%s", out)
	}
	if here, there := len(g.shop.Effects().Requests), second.shop.Effects().Count("PATCH", "stock_availables", 0); here != 0 || there != 2 {
		t.Errorf("%d requests to the other shop, %d changes in this", here, there)
	}
	if status, out := g.check("--shop", "nowhere"); status != 1 || !strings.Contains(out, "There is no shop nowhere") {
		t.Errorf("exit %d:\n%s", status, out)
	}
}

// TestStdioOnAnotherShop: request ids of one shop mean nothing in another.
func TestStdioOnAnotherShop(t *testing.T) {
	p := &parts{config: config{clientID: "local"}}
	if got := p.actor(); got.ClientID != "local" || got.Shop != "" {
		t.Errorf("%+v", got)
	}
	p.config.stdioShop = "outlet"
	if got := p.actor(); got.ClientID != "local@outlet" || got.Shop != "outlet" {
		t.Errorf("%+v", got)
	}
}
