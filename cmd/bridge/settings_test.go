package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the generated files")

// golden holds a generated file to what the code says.
func golden(t *testing.T, path string, want []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s does not say what the code says; run make generate and read the difference", path)
	}
}

func TestGoldenSettings(t *testing.T) {
	var example, table bytes.Buffer
	writeExample(&example)
	writeMarkdown(&table)
	golden(t, "../../.env.bridge.example", example.Bytes())
	golden(t, "../../docs/settings.md", table.Bytes())
}

func TestGoldenHelp(t *testing.T) { golden(t, "testdata/help.txt", []byte(usage())) }

// contractSettings are the 23 variables of the published contract.
var contractSettings = strings.Fields(`APP_ENV BRIDGE_BASE_URL OAUTH_CLIENT_ID OAUTH_CLIENT_SECRET OAUTH_TOKEN_TTL
	JWT_PRIVATE_KEY_PATH JWT_PUBLIC_KEY_PATH HMAC_SECRET_CURRENT HMAC_SECRET_PREVIOUS REDIS_DSN DATABASE_URL
	RATE_LIMIT_READ RATE_LIMIT_WRITE JOB_MAX_ATTEMPTS JOB_TIMEOUT_SECONDS IDEMPOTENCY_HTTP_TTL_SECONDS
	IDEMPOTENCY_DB_RETENTION_DAYS FAILED_JOB_RETENTION_DAYS GZIP_RECOMMENDED_ABOVE_BYTES GZIP_REQUIRED_ABOVE_BYTES
	MAX_PAYLOAD_BYTES ALLOWED_SOURCE_IPS LOG_PATH`)

func TestSettingsOfTheContractComeFirst(t *testing.T) {
	for i, name := range contractSettings {
		if settings[i].name != name {
			t.Errorf("setting %d is %s, the contract says %s", i, settings[i].name, name)
		}
	}
}

func environment(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

func load(t *testing.T, values map[string]string, file string, needs ...need) (config, error) {
	t.Helper()
	src, err := settingsSource(environment(values), file)
	if err != nil {
		return config{}, err
	}
	return loadConfig(src, needs...)
}

func TestAllProblemsComeAtOnceAndShowNoSecret(t *testing.T) {
	t.Chdir(t.TempDir())
	_, err := load(t, map[string]string{
		"STATE_DIR": t.TempDir(), "RATE_LIMIT_READ": "many", "ALLOWED_SOURCE_IPS": "10.0.0.0/8, somewhere", "HMAC_SECRET_CURRENT": "hunter2",
		"PRESTASHOP_URL": "ftp://shop", "PRESTASHOP_WS_KEY": "tooshort", "OAUTH_CLIENT_SCOPES": "bridge:admin", "APP_ENV": "prod",
	}, "", forServing, forShop)
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"RATE_LIMIT_READ", "ALLOWED_SOURCE_IPS", "somewhere", "HMAC_SECRET_CURRENT", "PRESTASHOP_URL", "PRESTASHOP_WS_KEY",
		"OAUTH_CLIENT_SCOPES", "APP_ENV", "OAUTH_CLIENT_ID is not set", "OAUTH_CLIENT_SECRET is not set", "openssl rand"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the message does not name %q:\n%v", want, err)
		}
	}
	for _, leaked := range []string{"hunter2", "tooshort"} {
		if strings.Contains(err.Error(), leaked) {
			t.Errorf("the message shows the secret %q", leaked)
		}
	}
}

func TestSettingsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "settings")
	write := func(text string, mode os.FileMode) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	write("RATE_LIMIT_READ=7\nRATE_LIMIT_WRITE=8\n", 0o600)
	c, err := load(t, map[string]string{"RATE_LIMIT_WRITE": "9"}, path)
	if err != nil || c.rateRead != 7 || c.rateWrite != 9 {
		t.Errorf("read %d, write %d, %v: the environment goes before the file", c.rateRead, c.rateWrite, err)
	}
	for _, bad := range []struct {
		name, text string
		mode       os.FileMode
		want       string
	}{
		{"others can read it", "RATE_LIMIT_READ=7\n", 0o644, "chmod 600"},
		{"a misspelt setting", "RATE_LIMIT_RED=7\n", 0o600, "RATE_LIMIT_RED"},
		{"no settings file", "HMAC_SECRET_CURRENT hunter2 'x\n", 0o600, "KEY=VALUE"},
	} {
		write(bad.text, bad.mode)
		_, err := load(t, nil, path)
		if err == nil || !strings.Contains(err.Error(), bad.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", bad.name, err)
		}
	}
	if _, err := load(t, nil, filepath.Join(t.TempDir(), "absent")); err == nil {
		t.Error("a named file that is not there was passed over")
	}
}

func TestListensWithoutTLSOnLoopbackOnly(t *testing.T) {
	for _, c := range []struct {
		env   string
		flags serveFlags
		ok    bool
	}{
		{"production", serveFlags{listen: "127.0.0.1:8080"}, true},
		{"production", serveFlags{listen: "[::1]:8080"}, true},
		{"production", serveFlags{listen: "localhost:8080"}, true},
		{"production", serveFlags{listen: "0.0.0.0:8080"}, false},
		{"production", serveFlags{listen: ":8080"}, false},
		{"production", serveFlags{listen: "192.0.2.1:8080"}, false},
		{"staging", serveFlags{listen: "0.0.0.0:8080", behindTLSProxy: true}, true},
		{"production", serveFlags{listen: "0.0.0.0:8080", tlsCert: "c", tlsKey: "k"}, true},
		{"production", serveFlags{listen: "127.0.0.1:8080", tlsCert: "c"}, false},
		{"dev", serveFlags{listen: "0.0.0.0:8080"}, true},
	} {
		if err := mayListen(config{appEnv: c.env}, c.flags); (err == nil) != c.ok {
			t.Errorf("%s %+v: %v", c.env, c.flags, err)
		}
	}
}
