package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prestashop-bridge/bridge/auth"
)

func (s shell) withInput(input string, args ...string) (int, string, string) {
	var out, faults bytes.Buffer
	status := run(s.Context(), process{args: args, getenv: environment(s.env), stdin: strings.NewReader(input), stdout: &out, stderr: &faults})
	return status, out.String(), faults.String()
}

// header finds a header line of the output.
func header(out, name string) string {
	for line := range strings.Lines(out) {
		if value, found := strings.CutPrefix(strings.TrimSuffix(line, "\n"), name+": "); found {
			return value
		}
	}
	return ""
}

func TestSignGivesThePublishedSignatures(t *testing.T) {
	s := newShell(t)
	published := auth.Published()
	if len(published.Examples) != 6 {
		t.Fatalf("%d published examples", len(published.Examples))
	}
	s.env["HMAC_SECRET_CURRENT"] = published.Secret
	for _, e := range published.Examples {
		file := filepath.Join(t.TempDir(), "body")
		if err := os.WriteFile(file, []byte(e.Body), 0o600); err != nil {
			t.Fatal(err)
		}
		// Spelt in the wrong case on purpose: the string to sign has its own.
		args := []string{"sign", "--method", strings.ToLower(e.Method), "--uri", e.URI, "--request-id", strings.ToUpper(e.RequestID), "--timestamp", strconv.FormatInt(e.Timestamp, 10)}
		outs := map[string]string{"a file": s.must(append(args, "--body-file", file)...)}
		if status, out, faults := s.withInput(e.Body, append(args, "--body-file", "-")...); status != 0 {
			t.Errorf("exit %d: %s", status, faults)
		} else {
			outs["stdin"] = out
		}
		if e.Body == "" {
			outs["no body"] = s.must(args...)
		}
		for from, out := range outs {
			if header(out, "X-Signature") != e.Signature || header(out, "X-Request-ID") != e.RequestID {
				t.Errorf("%s, body from %s:\n%s", e.URI, from, out)
			}
			if !strings.Contains(out, strconv.Quote(e.StringToSign())) || !strings.Contains(out, e.BodySHA256) || strings.Contains(out, published.Secret) {
				t.Errorf("%s, body from %s:\n%s", e.URI, from, out)
			}
		}
	}
}

func TestGoldenSign(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	s := newShell(t)
	s.env["HMAC_SECRET_CURRENT"] = auth.Published().Secret
	e := auth.Published().Examples[2]
	status, out, faults := s.withInput(e.Body, "sign", "--method", e.Method, "--uri", e.URI, "--request-id", e.RequestID, "--timestamp", strconv.FormatInt(e.Timestamp, 10), "--body-file", "-")
	if status != 0 {
		t.Fatal(faults)
	}
	golden(t, filepath.Join(here, "testdata/sign.txt"), []byte(out))
}

func TestSignFillsInTimeAndID(t *testing.T) {
	s := newShell(t)
	s.env["OTHER_SECRET"] = "another secret"
	before := time.Now().Unix()
	first := s.must("sign", "--uri", "/v1/products/1?a=%20b", "--secret-env", "OTHER_SECRET")
	second := s.must("sign", "--uri", "/v1/products/1?a=%20b", "--secret-env", "OTHER_SECRET")
	if header(first, "X-Request-ID") == header(second, "X-Request-ID") {
		t.Error("the same request id twice")
	}
	stamp, id := header(first, "X-Timestamp"), header(first, "X-Request-ID")
	if at, err := strconv.ParseInt(stamp, 10, 64); err != nil || at < before || at > time.Now().Unix() {
		t.Errorf("timestamp %q", stamp)
	}
	text := auth.StringToSign("GET", "/v1/products/1?a=%20b", stamp, id, auth.BodyHash(nil))
	if header(first, "X-Signature") != auth.Sign("another secret", text) {
		t.Errorf("signature of another text or secret:\n%s", first)
	}
}

func TestSignReadsTheSettingsFile(t *testing.T) {
	s := newShell(t)
	if err := os.WriteFile("handler.env", []byte("HMAC_SECRET_PREVIOUS="+testSecrets["HMAC_SECRET_CURRENT"]+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := s.must("sign", "--uri", "/v1/products/1", "--env-file", "handler.env", "--secret-env", "HMAC_SECRET_PREVIOUS")
	text := auth.StringToSign("GET", "/v1/products/1", header(out, "X-Timestamp"), header(out, "X-Request-ID"), auth.BodyHash(nil))
	if header(out, "X-Signature") != auth.Sign(testSecrets["HMAC_SECRET_CURRENT"], text) {
		t.Errorf("signed with another secret:\n%s", out)
	}
}

func TestSignNamesCommonMistakes(t *testing.T) {
	s := newShell(t)
	s.env["HMAC_SECRET_CURRENT"] = testSecrets["HMAC_SECRET_CURRENT"]
	if _, out, _ := s.withInput("{}\n", "sign", "--uri", "/x", "--body-file", "-"); !strings.Contains(out, "line feed: send it") {
		t.Errorf("the line feed at the end is not named:\n%s", out)
	}
	if _, out, _ := s.withInput("\x1f\x8b\x08", "sign", "--uri", "/x", "--body-file", "-"); !strings.Contains(out, "compressed bytes are signed") {
		t.Errorf("gzip is not named:\n%s", out)
	}
	const secret = "hunter2hunter2hunter2hunter2hunter2"
	for name, args := range map[string][]string{
		"no uri":                       {"sign"},
		"a whole URL":                  {"sign", "--uri", "https://bridge.example/v1/products/1"},
		"a host without a scheme":      {"sign", "--uri", "//bridge.example/v1"},
		"a space":                      {"sign", "--uri", "/v1/products/1 2"},
		"a line feed":                  {"sign", "--uri", "/v1/products/1\nx"},
		"two words for a method":       {"sign", "--uri", "/x", "--method", "GET POST"},
		"a request id that is none":    {"sign", "--uri", "/x", "--request-id", "42"},
		"a time with a fraction":       {"sign", "--uri", "/x", "--timestamp", "1710950400.5"},
		"the secret itself":            {"sign", "--uri", "/x", "--secret-env", secret},
		"a secret that is not set":     {"sign", "--uri", "/x", "--secret-env", "HMAC_SECRET_PREVIOUS"},
		"a body that is not there":     {"sign", "--uri", "/x", "--body-file", "absent"},
		"a settings file that is none": {"sign", "--uri", "/x", "--env-file", "absent"},
	} {
		if status, out, faults := s.run(args...); status != 1 || out != "" || faults == "" || strings.Contains(faults, secret) {
			t.Errorf("%s: exit %d\n%s%s", name, status, out, faults)
		}
	}
}
