package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prestashop-bridge/bridge/login"
)

func TestLoginAccountsCommand(t *testing.T) {
	s := newShell(t)
	const password = "correct horse battery staple"
	for name, c := range map[string]struct {
		input string
		args  []string
		fault string
	}{
		"short password":   {"short\n", []string{"operators", "add", "ada", "--reason", "x"}, "15 characters"},
		"no password":      {"", []string{"operators", "add", "ada", "--reason", "x"}, "15 characters"},
		"no reason":        {password, []string{"operators", "add", "ada"}, "reason"},
		"a bad name":       {password, []string{"operators", "add", "Ada/root", "--reason", "x"}, "small letters"},
		"an unknown scope": {password, []string{"operators", "add", "ada", "--scopes", "admin", "--reason", "x"}, "scopes"},
		"nobody":           {password, []string{"operators", "passwd", "ada", "--reason", "x"}, "no operator"},
		"unknown action":   {password, []string{"operators", "explode", "ada"}, "no action"},
	} {
		if status, _, faults := s.withInput(c.input, c.args...); status != 1 || !strings.Contains(faults, c.fault) || strings.Contains(faults, password) {
			t.Errorf("%s: exit %d, %s", name, status, faults)
		}
	}
	for _, args := range [][]string{{"add", "ada"}, {"passwd", "ada"}, {"remove", "ada"}} {
		if status, _, faults := s.withInput(password+"\r\n", append([]string{"operators"}, append(args, "--reason", "test")...)...); status != 0 {
			t.Errorf("%v: exit %d, %s", args, status, faults)
		}
	}
	if status, _, _ := s.withInput(password, "operators", "add", "ada", "--reason", "again"); status != 1 {
		t.Error("a removed operator's name, which jobs carry, was given to somebody else")
	}
	if list := s.must("operators", "list"); !strings.Contains(list, "ada") || strings.Contains(list, "$2a$") {
		t.Errorf("list:\n%s", list)
	}
	if log := s.must("audit", "export"); strings.Count(log, "operator-") != 3 || strings.Contains(log, password) {
		t.Errorf("audit:\n%s", log)
	}
}

// The whole way through the program as it is served: an operator and an app
// are added, the app finds the server, the person logs in and agrees, the app
// calls a tool, and the operator's removal ends it.
func TestAnAppIsConnectedToTheServedBridge(t *testing.T) {
	t.Chdir(t.TempDir())
	state := t.TempDir()
	extra := map[string]string{"STATE_DIR": state, "DATABASE_URL": "sqlite:" + state + "/bridge.db"}
	base := "http://" + startServe(t, extra)
	command := func(input string, args ...string) {
		t.Helper()
		var stderr strings.Builder
		env := source(environment(testSecrets)).with(extra)
		if status := run(t.Context(), process{args: args, getenv: env, stdin: strings.NewReader(input), stdout: io.Discard, stderr: &stderr}); status != 0 {
			t.Fatalf("%v: %s", args, stderr.String())
		}
	}
	command("correct horse battery staple\n", "operators", "add", "ada", "--reason", "test")
	command("", "clients", "add", "desktop", "--name", "Desktop", "--redirect-uri", "http://127.0.0.1/callback", "--public", "--reason", "test")

	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, CheckRedirect: func(q *http.Request, _ []*http.Request) error {
		if q.URL.Path == "/callback" {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	defer browser.CloseIdleConnections()
	send := func(method, address, mediaType, body string, header ...string) (*http.Response, string) {
		t.Helper()
		q, err := http.NewRequest(method, address, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Content-Type", mediaType)
		for i := 0; i+1 < len(header); i += 2 {
			q.Header.Set(header[i], header[i+1])
		}
		resp, err := browser.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		raw, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp, string(raw)
	}
	const form = "application/x-www-form-urlencoded"

	challenged, _ := send(http.MethodPost, base+"/mcp", "application/json", "{}")
	if challenged.StatusCode != http.StatusUnauthorized || !strings.Contains(challenged.Header.Get("WWW-Authenticate"), base+"/.well-known/oauth-protected-resource/mcp") {
		t.Fatalf("%d, %v", challenged.StatusCode, challenged.Header)
	}
	var server struct {
		Authorize string   `json:"authorization_endpoint"`
		Token     string   `json:"token_endpoint"`
		Grants    []string `json:"grant_types_supported"`
		Documents bool     `json:"client_id_metadata_document_supported"`
	}
	if _, raw := send(http.MethodGet, base+"/.well-known/oauth-authorization-server", "", ""); json.Unmarshal([]byte(raw), &server) != nil || server.Authorize != base+login.Path || !server.Documents || !slices.Contains(server.Grants, "authorization_code") {
		t.Fatalf("metadata %s", raw)
	}
	const redirect = "http://127.0.0.1:50001/callback"
	here := server.Authorize + "?" + url.Values{
		"response_type": {"code"}, "client_id": {"desktop"}, "redirect_uri": {redirect}, "state": {"s"}, "resource": {base + "/mcp"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"}, "scope": {"bridge:read"},
	}.Encode()
	token := func(page string) string {
		t.Helper()
		found := regexp.MustCompile(`name="token" value="([0-9a-f]+)"`).FindStringSubmatch(page)
		if found == nil {
			t.Fatalf("no form in\n%s", page)
		}
		return found[1]
	}
	_, page := send(http.MethodGet, here, "", "")
	_, page = send(http.MethodPost, here, form, url.Values{"token": {token(page)}, "action": {"login"}, "name": {"ada"}, "password": {"correct horse battery staple"}}.Encode())
	back, _ := send(http.MethodPost, here, form, url.Values{"token": {token(page)}, "action": {"approve"}, "scope": {"bridge:read"}}.Encode())
	where, err := back.Location()
	if err != nil || !strings.HasPrefix(where.String(), redirect+"?") {
		t.Fatalf("sent to %v, %v", where, err)
	}
	var tokens struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	_, raw := send(http.MethodPost, server.Token, form, url.Values{
		"grant_type": {"authorization_code"}, "client_id": {"desktop"}, "code": {where.Query().Get("code")}, "redirect_uri": {redirect},
		"code_verifier": {"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"}, "resource": {base + "/mcp"},
	}.Encode())
	if err := json.Unmarshal([]byte(raw), &tokens); err != nil || tokens.Refresh == "" {
		t.Fatalf("%s, %v", raw, err)
	}
	tool := func() (*http.Response, string) {
		return send(http.MethodPost, base+"/mcp", "application/json", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_product","arguments":{"product_id":1}}}`,
			"Authorization", "Bearer "+tokens.Access, "Accept", "application/json, text/event-stream")
	}
	if got, body := tool(); got.StatusCode != http.StatusOK || !strings.Contains(body, `"structuredContent"`) || strings.Contains(body, `"isError":true`) {
		t.Errorf("get_product: %d %s", got.StatusCode, body)
	}
	command("", "operators", "remove", "ada", "--reason", "left")
	if got, _ := tool(); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("after the operator was removed: %d", got.StatusCode)
	}
}
