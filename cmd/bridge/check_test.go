package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/prestashop"
	"github.com/prestashop-bridge/bridge/prestashop/sandbox"
)

// ground is a deployment to be checked: settings, a state folder and a built-in
// shop whose key has the rights it needs and no others.
type ground struct {
	shell
	shop *sandbox.Shop
}

func newGround(t *testing.T) ground {
	t.Helper()
	builtIn, err := openBuiltIn()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(builtIn.close)
	g := ground{newShell(t), builtIn.shop}
	for _, from := range []map[string]string{builtIn.settings(), testSecrets, {"BRIDGE_BASE_URL": "https://bridge.example.com", "SHOP_SETTLE_SECONDS": "5"}} {
		for name, value := range from {
			g.env[name] = value
		}
	}
	g.grant(prestashop.NeededRights())
	return g
}

func (g ground) grant(rights sandbox.Rights) {
	g.shop.AddKey(sandbox.Key{Value: sandboxKey, Rights: rights})
}

// check runs the whole command and holds it to the promise that no secret is
// ever printed.
func (g ground) check(args ...string) (status int, out string) {
	g.Helper()
	status, out, faults := g.run(append([]string{"check"}, args...)...)
	g.hush(out + faults)
	return status, out
}

func (g ground) hush(text string) {
	g.Helper()
	for _, s := range settings {
		if value := g.env[s.name]; s.secret && value != "" && s.name != "DATABASE_URL" && strings.Contains(text, value) {
			g.Errorf("the report shows the value of %s:\n%s", s.name, text)
		}
	}
	if strings.Contains(text, "hunter2") {
		g.Errorf("the report shows a password:\n%s", text)
	}
}

// examine runs the named checks with those they need, and gives what the last
// one found.
func (g ground) examine(names string, change ...func(*site)) finding {
	g.Helper()
	s := &site{getenv: environment(g.env)}
	for _, c := range change {
		c(s)
	}
	defer s.close()
	wanted, r := strings.Fields(names), findings{}
	last := wanted[len(wanted)-1]
	for _, c := range slices.Backward(checks) {
		if slices.Contains(wanted, c.name) {
			wanted = append(wanted, c.needs...)
		}
	}
	for _, c := range checks {
		if slices.Contains(wanted, c.name) {
			r = append(r, s.examine(g.Context(), c, r))
		}
	}
	var text bytes.Buffer
	if err := writeReport(&text, r); err != nil {
		g.Fatal(err)
	}
	g.hush(text.String())
	g.Log("\n" + text.String())
	return r[slices.IndexFunc(r, func(e examined) bool { return e.name == last })].finding
}

// expect examines a check and compares state, detail and fix.
func (g ground) expect(name string, want state, detail, fix string, change ...func(*site)) {
	g.Helper()
	f := g.examine(name, change...)
	if f.state != want || !strings.Contains(f.detail, detail) || !strings.Contains(f.fix, fix) {
		g.Errorf("%s: %+v\nwant %s with %q, fix %q", name, f, want, detail, fix)
	}
	if (f.fix != "") != (want == failed || want == warned) {
		g.Errorf("%s %s has the fix %q", name, f.state, f.fix)
	}
}

func TestAHealthyDeploymentPassesEveryCheck(t *testing.T) {
	g := newGround(t)
	status, out := g.check("--write-test", "1")
	if status != 0 || strings.Count(out, "✓") != len(checks) {
		t.Errorf("exit %d\n%s", status, out)
	}
	if effects := g.shop.Effects(); stockOf(t, g.shop, 1) != 120 || len(effects.Mails) != 0 {
		t.Errorf("the shop was left with a stock of %d", stockOf(t, g.shop, 1))
	}
}

func stockOf(t *testing.T, shop *sandbox.Shop, product int) int {
	t.Helper()
	quantity, known := shop.Stock(product, 0)
	if !known {
		t.Fatalf("no stock of product %d", product)
	}
	return quantity
}

// Unless asked to, a check only reads the shop.
func TestAPlainCheckOnlyReadsTheShop(t *testing.T) {
	g := newGround(t)
	g.shop.ResetEffects()
	status, out := g.check()
	if status != 0 || !strings.Contains(out, "– write-test") {
		t.Errorf("exit %d\n%s", status, out)
	}
	for _, r := range g.shop.Effects().Requests {
		if r.Method != "GET" {
			t.Errorf("%s %s", r.Method, r.Path)
		}
	}
	if jobs := g.must("jobs", "list"); strings.Count(jobs, "\n") != 1 {
		t.Errorf("jobs were left:\n%s", jobs)
	}
}

func TestGoldenCheckPage(t *testing.T) {
	var page bytes.Buffer
	writeChecks(&page)
	golden(t, "../../docs/check.md", page.Bytes())
}

func TestGoldenCheckJSON(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	g := newGround(t)
	g.env["APP_ENV"] = "dev" // one warning
	g.shop.SetWebservice(false)
	status, out := g.check("--json")
	var document map[string]any
	if err := json.Unmarshal([]byte(out), &document); err != nil || status != 1 {
		t.Fatalf("exit %d, %v\n%s", status, err, out)
	}
	for _, entry := range document["checks"].([]any) {
		if entry := entry.(map[string]any); entry["state"] == "pass" {
			entry["detail"] = "(varies)"
		}
	}
	document["version"] = "(varies)"
	shape, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, filepath.Join(here, "testdata/check.json"), append(shape, '\n'))
}

func TestATableOfChecks(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range checks {
		if seen[c.name] || c.proves == "" || c.fix == "" || strings.ContainsAny(c.proves+c.fix, "|\n") {
			t.Errorf("%+v", c)
		}
		for _, needed := range c.needs {
			if !seen[needed] {
				t.Errorf("%s needs %s, which does not run before it", c.name, needed)
			}
		}
		seen[c.name] = true
	}
	for _, op := range bridge.Operations {
		if !slices.ContainsFunc(requestExamples, func(e requestExample) bool { return e.operation == op.Name }) {
			t.Errorf("no example of %s is checked", op.Name)
		}
	}
}

func TestFailuresEndWithExitStatusOne(t *testing.T) {
	for name, c := range map[string]struct {
		change func(g ground)
		failed string
		kept   string // a check that still ran
	}{
		"Redis away":    {func(g ground) { g.env["REDIS_DSN"] = "redis://user:hunter2@127.0.0.1:1/0" }, "redis", "double-delivery"},
		"shop away":     {func(g ground) { g.shop.Inject(sandbox.Fault{Act: sandbox.Down()}) }, "shop", "polling"},
		"database away": {func(g ground) { g.env["DATABASE_URL"] = "mysql://user:hunter2@127.0.0.1:1/bridge" }, "database", "replay"},
		"no settings":   {func(g ground) { clear(g.env) }, "settings", "hmac-example"},
	} {
		g := newGround(t)
		c.change(g)
		status, out := g.check()
		if status != 1 || !strings.Contains(out, "✗ "+c.failed) || !strings.Contains(out, "fix: ") || !strings.Contains(out, "✓ "+c.kept) {
			t.Errorf("%s: exit %d\n%s", name, status, out)
		}
		if !strings.Contains(out, "needs "+c.failed) {
			t.Errorf("%s: what depends on %s was run:\n%s", name, c.failed, out)
		}
	}
}

func TestAnInterruptedCheckHasNotPassed(t *testing.T) {
	g := newGround(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, faults bytes.Buffer
	status := run(ctx, process{args: []string{"check"}, getenv: environment(g.env), stdout: &out, stderr: &faults})
	if status != 1 || !strings.Contains(faults.String(), "interrupted") {
		t.Errorf("exit %d\n%s%s", status, out.String(), faults.String())
	}
}
