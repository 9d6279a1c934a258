package main

import (
	"database/sql"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
)

// Each check is made to fail in every way an operator may meet, and must say
// what to do about it.

func TestSettingsThatAreWrong(t *testing.T) {
	published := auth.Published().Secret
	for _, c := range []struct {
		name  string
		env   map[string]string
		check string
		state state
		want  string // in the detail
		fix   string
	}{
		{"a setting is missing", map[string]string{"HMAC_SECRET_CURRENT": ""}, "settings", failed, "HMAC_SECRET_CURRENT is not set", "bridge settings"},
		{"a key of another length", map[string]string{"PRESTASHOP_WS_KEY": "hunter2"}, "settings", failed, "a webservice key has 32", "bridge settings"},
		{"gzip beyond the largest body", map[string]string{"MAX_PAYLOAD_BYTES": "20000"}, "settings-fit", failed, "GZIP_REQUIRED_ABOVE_BYTES", "agree"},
		{"gzip required before recommended", map[string]string{"GZIP_RECOMMENDED_ABOVE_BYTES": "40000"}, "settings-fit", failed, "GZIP_RECOMMENDED_ABOVE_BYTES", "agree"},
		{"a call longer than an attempt", map[string]string{"SHOP_TIMEOUT_SECONDS": "200"}, "settings-fit", failed, "SHOP_TIMEOUT_SECONDS", "agree"},
		{"every proxy trusted", map[string]string{"TRUSTED_PROXIES": "0.0.0.0/0"}, "settings-fit", failed, "TRUSTED_PROXIES", "agree"},
		{"every address allowed", map[string]string{"ALLOWED_SOURCE_IPS": "::/0"}, "settings-fit", warned, "ALLOWED_SOURCE_IPS", "agree"},
		{"development", map[string]string{"APP_ENV": "dev"}, "settings-fit", warned, "APP_ENV", "agree"},
		{"private images in production", map[string]string{"APP_ENV": "production"}, "settings-fit", warned, "IMAGE_ALLOWED_HOSTS", "agree"},
		{"no settling time", map[string]string{"SHOP_SETTLE_SECONDS": "0"}, "settings-fit", warned, "SHOP_SETTLE_SECONDS", "agree"},
		{"the published signing secret", map[string]string{"HMAC_SECRET_CURRENT": published}, "own-secrets", failed, "HMAC_SECRET_CURRENT is the secret of the published examples", "openssl rand"},
		{"the published secret as the one before", map[string]string{"HMAC_SECRET_PREVIOUS": published}, "own-secrets", failed, "HMAC_SECRET_PREVIOUS is the secret", "openssl rand"},
		{"one secret for two things", map[string]string{"OAUTH_CLIENT_SECRET": testSecrets["HMAC_SECRET_CURRENT"]}, "own-secrets", failed, "OAUTH_CLIENT_SECRET and HMAC_SECRET_CURRENT are the same", "openssl rand"},
		{"tokens in the clear", map[string]string{"BRIDGE_BASE_URL": "http://bridge.example.com"}, "tls", failed, "BRIDGE_BASE_URL", "https"},
		{"the shop's key in the clear", map[string]string{"PRESTASHOP_URL": "http://shop.example.com"}, "tls", failed, "PRESTASHOP_URL", "https"},
		{"the shop's key in a private network", map[string]string{"PRESTASHOP_URL": "http://10.1.2.3:8080"}, "tls", warned, "PRESTASHOP_URL", "https"},
		{"no base URL", map[string]string{"BRIDGE_BASE_URL": ""}, "tls", warned, "BRIDGE_BASE_URL is not set", "BRIDGE_BASE_URL"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newGround(t)
			maps.Copy(g.env, c.env)
			g.expect(c.check, c.state, c.want, c.fix)
		})
	}
}

func TestASettingsFileOthersCanRead(t *testing.T) {
	g := newGround(t)
	path := filepath.Join(t.TempDir(), "settings")
	if err := os.WriteFile(path, []byte("HMAC_SECRET_CURRENT=hunter2hunter2hunter2hunter2hunter2hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	named := func(s *site) { s.envFile = path }
	g.expect("settings", failed, "others can read it", "bridge settings", named)
	g.expect("file-modes", failed, path+" has mode 0644", "chmod 600 "+path, named)
	if status, out := g.check("--env-file", path); status != 1 || !strings.Contains(out, "✗ settings ") || !strings.Contains(out, "✗ file-modes") {
		t.Errorf("exit %d\n%s", status, out)
	}
}

func TestFileModes(t *testing.T) {
	g := newGround(t)
	g.must("keys", "rotate")
	g.must("migrate")
	dir := g.env["STATE_DIR"]
	for file, modes := range map[string]struct {
		open os.FileMode
		fix  string
	}{
		"jwt_private.pem": {0o640, "chmod 600"}, "jwt_public.pem": {0o666, "chmod 644"}, "bridge.db": {0o604, "chmod 600"}, "": {0o755, "chmod 700"},
	} {
		path := filepath.Join(dir, file)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, modes.open); err != nil {
			t.Fatal(err)
		}
		loaded := func(s *site) { s.checkSettings(t.Context()) }
		g.expect("file-modes", failed, path, modes.fix+" "+path, loaded)
		if err := os.Chmod(path, info.Mode()); err != nil {
			t.Fatal(err)
		}
		g.expect("file-modes", passed, "files and folders", "", loaded)
	}
}

func TestKeysThatAreWrong(t *testing.T) {
	g := newGround(t)
	g.expect("rs256-only", passed, "forgeries refused", "") // makes the keys
	other := filepath.Join(t.TempDir(), "other")
	if _, err := auth.OpenKeys(other+".pem", other+"_public.pem"); err != nil {
		t.Fatal(err)
	}
	own := g.env["JWT_PUBLIC_KEY_PATH"]
	g.env["JWT_PUBLIC_KEY_PATH"] = other + "_public.pem"
	g.expect("rs256-only", failed, "does not belong to private key file", "key files")
	g.env["JWT_PUBLIC_KEY_PATH"] = own
	if err := os.Chmod(filepath.Join(g.env["STATE_DIR"], "jwt_private.pem"), 0o644); err != nil {
		t.Fatal(err)
	}
	g.expect("rs256-only", failed, "chmod 600", "key files")
}

// A forgery that is refused for another reason than its name says would prove
// nothing.
func TestForgeriesAreWrongInTheOneThingTheyAreNamedFor(t *testing.T) {
	g := newGround(t)
	c, err := load(t, g.env, "")
	if err != nil {
		t.Fatal(err)
	}
	gate, err := (&parts{config: c, log: quiet()}).gate()
	if err != nil {
		t.Fatal(err)
	}
	f, err := newForger(gate.Tokens, c.publicKeyPath)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]error{
		"alg none": auth.ErrTokenSignature, "HS256 with the public key": auth.ErrTokenSignature, "a foreign key": auth.ErrTokenKey,
		"a foreign key under our kid": auth.ErrTokenSignature, "more scopes under the old signature": auth.ErrTokenSignature,
		"an expired token": auth.ErrTokenExpired, "a token of the future": auth.ErrTokenNotYet,
		"another audience": auth.ErrTokenAudience, "another issuer": auth.ErrTokenIssuer,
	}
	if len(want) != len(forgeries) {
		t.Errorf("%d forgeries", len(forgeries))
	}
	for _, forgery := range forgeries {
		token, err := forgery.make(f)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := gate.Tokens.Verify(token); err != want[forgery.name] {
			t.Errorf("%s: %v, want %v", forgery.name, err, want[forgery.name])
		}
	}
	// The same tools make a token that is accepted when nothing is forged.
	if _, err := gate.Tokens.Verify(f.genuine); err != nil {
		t.Error(err)
	}
}

func TestABuildThatBreaksTheContract(t *testing.T) {
	g := newGround(t)
	example := &auth.Published().Examples[0]
	kept := example.Signature
	example.Signature = strings.Repeat("0", 64)
	t.Cleanup(func() { example.Signature = kept })
	g.expect("hmac-example", failed, "GET /v1/products/123", "Do not deploy")

	broken := requestExamples
	t.Cleanup(func() { requestExamples = broken })
	requestExamples = []requestExample{
		{bridge.OpGetProduct, `{"product_id":0}`, `{"product_id":0}`, "/product_id"},
		{bridge.OpGetOrder, `{"order_id":1}`, `{"order_id":1}`, "/order_id"},
	}
	g.expect("schemas", failed, "get_product: a valid request is refused", "Do not deploy")
	g.expect("schemas", failed, "get_order: a broken request", "Do not deploy")
}

func TestDatabasesThatAreWrong(t *testing.T) {
	for name, c := range map[string]struct {
		change func(g ground)
		want   string
		fix    string
	}{
		"no server":         {func(g ground) { g.env["DATABASE_URL"] = "mysql://user:hunter2@127.0.0.1:1/bridge" }, "cannot open the database", "DATABASE_URL"},
		"no such folder":    {func(g ground) { g.env["DATABASE_URL"] = "sqlite:/nowhere/bridge.db" }, "folder /nowhere", "DATABASE_URL"},
		"an unknown scheme": {func(g ground) { g.env["DATABASE_URL"] = "oracle://user:hunter2@host/x" }, "mysql: or sqlite:", "DATABASE_URL"},
		"older tables": {func(g ground) {
			g.must("migrate")
			g.rewrite("DELETE FROM schema_version WHERE version_id = (SELECT MAX(version_id) FROM schema_version)")
		}, "this program needs", "bridge migrate"},
		"newer tables": {func(g ground) {
			g.must("migrate")
			g.rewrite("INSERT INTO schema_version (version_id, is_applied) VALUES (9999, 1)")
		}, "version 9999", "newer program"},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGround(t)
			c.change(g)
			g.expect("database", failed, c.want, c.fix)
		})
	}
}

// rewrite changes the database behind the program's back.
func (g ground) rewrite(statement string) {
	g.Helper()
	db, err := sql.Open("sqlite", strings.TrimPrefix(g.env["DATABASE_URL"], "sqlite:"))
	if err != nil {
		g.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(g.Context(), statement); err != nil {
		g.Fatal(err)
	}
}

// A Redis that answers, but not as it should.
func TestRedisThatMisbehaves(t *testing.T) {
	forget := func(c *server.Peer) { c.WriteNull() }
	keep := func(c *server.Peer) { c.WriteInt(0) }
	refuse := func(c *server.Peer) { c.WriteError("NOPERM this user has no permissions") }
	for _, c := range []struct {
		name, command string
		answer        func(*server.Peer)
		check, want   string
		fix           string
	}{
		{"no streams", "XREADGROUP", refuse, "redis", "reached no worker", "REDIS_DSN"},
		{"no announcements", "XADD", refuse, "redis", "cannot be announced", "REDIS_DSN"},
		{"nothing is kept", "GET", forget, "replay", "comes back as something else", "GET, SET, DEL"},
		{"nothing may be written", "SET", refuse, "replay", "nothing can be remembered", "GET, SET, DEL"},
		{"nothing ever goes", "PTTL", func(c *server.Peer) { c.WriteInt(-1) }, "replay", "is kept for -1ns", "GET, SET, DEL"},
		{"nothing can be removed", "DEL", keep, "polling", "still knows the answer", "Do not deploy"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newGround(t)
			stand := miniredis.RunT(t)
			g.env["REDIS_DSN"] = "redis://" + stand.Addr()
			g.expect(c.check, passed, "", "")
			stand.Server().SetPreHook(func(peer *server.Peer, command string, _ ...string) bool {
				if command != c.command {
					return false
				}
				c.answer(peer)
				return true
			})
			g.expect(c.check, failed, c.want, c.fix)
		})
	}
	g := newGround(t)
	g.env["REDIS_DSN"] = "redis:hunter2"
	g.expect("redis", failed, "must look like redis://", "REDIS_DSN")
}
