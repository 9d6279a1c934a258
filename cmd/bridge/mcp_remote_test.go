package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/prestashop-bridge/bridge/prestashop/sandbox"
)

// throughRemote runs bridge mcp --remote on some lines of input and gives exit
// status, stdout and stderr.
func throughRemote(t *testing.T, address string, env map[string]string, lines ...string) (int, string, string) {
	t.Helper()
	t.Chdir(t.TempDir())
	input, keyboard := io.Pipe()
	go func() { _, _ = io.WriteString(keyboard, strings.Join(lines, "\n")+"\n") }()
	out := &answers{wanted: len(lines), all: keyboard.Close}
	var faults bytes.Buffer
	status := run(t.Context(), process{
		args: []string{"mcp", "--remote", address}, getenv: environment(env), stdin: input, stdout: out, stderr: &faults,
	})
	return status, out.String(), faults.String()
}

// answers is an output that tells when it holds as many lines as are wanted: a
// door whose input ends gives the calls that still run a few seconds only.
type answers struct {
	bytes.Buffer
	wanted int
	all    func() error
}

func (a *answers) Write(text []byte) (int, error) {
	n, err := a.Buffer.Write(text)
	if bytes.Count(a.Bytes(), []byte{'\n'}) >= a.wanted {
		_ = a.all()
	}
	return n, err
}

// deadAddress is one where nobody listens.
func deadAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return "http://" + listener.Addr().String()
}

const (
	listLine    = `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`
	productLine = `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"get_product","arguments":{"product_id":1}}}`
	policyLine  = `{"jsonrpc":"2.0","id":3,"method":"resources/read","params":{"uri":"bridge://policies"}}`
)

// The door starts, lists and answers what it knows itself while the other
// bridge is away; a call says what is wrong. It needs no shop, opens no
// database, and ends with its input.
func TestRemoteDoorWithoutItsBridge(t *testing.T) {
	state := t.TempDir()
	env := map[string]string{"STATE_DIR": state}
	for name, value := range testSecrets {
		env[name] = value
	}
	status, out, faults := throughRemote(t, deadAddress(t), env, listLine, policyLine, productLine)
	if status != 0 {
		t.Fatalf("exit %d\n%s", status, faults)
	}
	for _, want := range []string{`"import_products"`, "ht-only", `"error_code":"bridge_unavailable"`} {
		if !strings.Contains(out, want) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
	if !strings.Contains(faults, "connection refused") {
		t.Errorf("the log does not say why:\n%s", faults)
	}
	if left, err := os.ReadDir(state); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	env["OAUTH_CLIENT_SCOPES"] = "bridge:read"
	if _, out, _ := throughRemote(t, deadAddress(t), env, listLine); strings.Contains(out, "import_products") || !strings.Contains(out, "get_product") {
		t.Errorf("a reader is shown %s", out)
	}
}

// Whatever a server does with what it is sent, nothing secret comes out of this
// door, neither to the model nor into the log.
func TestRemoteDoorKeepsSecrets(t *testing.T) {
	echo := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/oauth/token" {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"access_token":"a-token-nobody-may-see","token_type":"Bearer","expires_in":3600}`)
			return
		}
		w.WriteHeader(http.StatusBadRequest)
		_ = r.Header.Write(w)
	}
	refuse := func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintf(w, `{"error":"invalid_client","error_description":"no client %s with secret %s"}`, user, password)
	}
	for name, serve := range map[string]http.HandlerFunc{"a server that repeats headers": echo, "a token endpoint that repeats the secret": refuse} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(serve)
			defer server.Close()
			status, out, faults := throughRemote(t, server.URL, testSecrets, productLine)
			if status != 0 || !strings.Contains(out, "bridge_unavailable") {
				t.Errorf("exit %d, answered %s", status, out)
			}
			for _, secret := range []string{testSecrets["OAUTH_CLIENT_SECRET"], testSecrets["HMAC_SECRET_CURRENT"], "a-token-nobody-may-see"} {
				if strings.Contains(out+faults, secret) {
					t.Errorf("%q came out:\n%s\n%s", secret, out, faults)
				}
			}
		})
	}
}

func TestRemoteDoorSaysWhatIsWrong(t *testing.T) {
	r := newRig(t, nil)
	for name, c := range map[string]struct{ setting, value, code, text string }{
		"the client's secret": {"OAUTH_CLIENT_SECRET", "another-client-secret", "unauthorized", "OAUTH_CLIENT_SECRET"},
		"the signing secret":  {"HMAC_SECRET_CURRENT", strings.Repeat("x", 40), "bad_signature", "HMAC_SECRET_CURRENT"},
		"the scopes":          {"OAUTH_CLIENT_SCOPES", "bridge:read bridge:pii", "insufficient_scope", "OAUTH_CLIENT_SCOPES"},
	} {
		t.Run(name, func(t *testing.T) {
			env := map[string]string{}
			for name, value := range testSecrets {
				env[name] = value
			}
			env[c.setting] = c.value
			status, out, _ := throughRemote(t, r.base, env, productLine)
			if status != 0 || !strings.Contains(out, `"error_code":"`+c.code+`"`) || !strings.Contains(out, c.text) {
				t.Errorf("exit %d, answered %s", status, out)
			}
		})
	}
}

// A client cannot tell the two doors apart: lists, prompts, schemas, resources
// and refusals are the same text.
func TestRemoteDoorHasTheSameSurface(t *testing.T) {
	r := newRig(t, nil)
	local, remote := newStdioDoor(t, r), newRemoteDoor(t, r)
	for i, ask := range []string{
		`"tools/list"`, `"resources/list"`, `"resources/templates/list"`, `"prompts/list"`,
		`"prompts/get","params":{"name":"ship_order","arguments":{"order_id":"2","tracking_number":"T"}}`,
		`"resources/read","params":{"uri":"bridge://schemas/update_product"}`,
		`"resources/read","params":{"uri":"bridge://products/1"}`,
		`"resources/read","params":{"uri":"bridge://products/99999"}`,
		`"resources/read","params":{"uri":"bridge://jobs/latest"}`,
		`"tools/call","params":{"name":"get_product","arguments":{"product_id":1}}`,
		`"tools/call","params":{"name":"get_product","arguments":{"product_id":"1"}}`,
		`"tools/call","params":{"name":"update_product","arguments":{"product_id":1}}`,
		`"tools/call","params":{"name":"update_product","arguments":{"request_id":"` + id(1) + `","product_id":1,"updates":{"price_ttc":1}}}`,
		`"tools/call","params":{"name":"update_product","arguments":{"request_id":"` + id(1) + `","product_id":1,"updates":{"price_ht":-1,"colour":"red"}}}`,
		`"tools/call","params":{"name":"delete_product","arguments":{}}`,
	} {
		line := fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":%s}`+"\n", i, ask)
		var said []string
		for _, d := range []stdioDoor{local, remote} {
			if _, err := d.in.Write([]byte(line)); err != nil {
				t.Fatal(err)
			}
			answer, err := d.out.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			said = append(said, answer)
		}
		if said[0] != said[1] {
			t.Errorf("%s\nlocal:  %s\nremote: %s", ask, said[0], said[1])
		}
	}
}

// A wait passes the progress of the other bridge's job on as it comes.
func TestRemoteDoorPassesProgressOn(t *testing.T) {
	r := newRig(t, nil)
	release, posted := make(chan struct{}), 0
	arrived := make(chan struct{})
	remove := r.builtIn.shop.Inject(sandbox.Fault{
		Match: func(q sandbox.Request) bool {
			if q.Method != http.MethodPost || q.Resource != "products" {
				return false
			}
			if posted++; posted != 2 {
				return false
			}
			close(arrived)
			return true
		},
		Act: sandbox.DelayThenApply(sandbox.Until(release)),
	})
	defer remove()
	d := newRemoteDoor(t, r)
	accepted := d.call(t, "import_products", id(1), items(2))
	if accepted.Job == "" {
		t.Fatalf("got %+v", accepted)
	}
	<-arrived // the first item is done
	fmt.Fprintf(d.in, `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"get_job_status","arguments":{"job_id":%q,"wait_seconds":20},"_meta":{"progressToken":"p"}}}`+"\n", accepted.Job)
	line, err := d.out.ReadString('\n')
	if err != nil || !strings.Contains(line, "notifications/progress") || !strings.Contains(line, `"progressToken":"p"`) {
		t.Fatalf("%v, %s", err, line)
	}
	close(release)
	for !strings.Contains(line, `"id":7`) {
		if line, err = d.out.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(line, `"status":"succeeded"`) {
		t.Errorf("ended with %s", line)
	}
}

func TestRemoteDoorIsCalledRightly(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, c := range map[string]struct {
		args []string
		env  map[string]string
		exit int
		text string
	}{
		"no secrets":           {[]string{"mcp", "--remote", "https://bridge.example"}, nil, 1, "HMAC_SECRET_CURRENT is not set"},
		"a shop and none":      {[]string{"mcp", "--sandbox", "--remote", "https://bridge.example"}, nil, 2, "choose one"},
		"a shop of this side":  {[]string{"mcp", "--shop", "outlet", "--remote", "https://bridge.example"}, testSecrets, 2, "--shop is for shops of this process"},
		"plain http":           {[]string{"mcp", "--remote", "http://bridge.example"}, testSecrets, 1, "plain http"},
		"no address":           {[]string{"mcp", "--remote", "bridge.example"}, testSecrets, 1, "must be an http or https URL"},
		"credentials in it":    {[]string{"mcp", "--remote", "https://me:hunter2@bridge.example"}, testSecrets, 1, "without user"},
		"plain http, settings": {[]string{"mcp"}, map[string]string{"BRIDGE_REMOTE_URL": "http://10.0.0.1"}, 1, "not set"},
	} {
		var out, faults bytes.Buffer
		exit := run(t.Context(), process{args: c.args, getenv: environment(c.env), stdin: strings.NewReader(""), stdout: &out, stderr: &faults})
		if exit != c.exit || !strings.Contains(faults.String(), c.text) || out.Len() > 0 || strings.Contains(faults.String(), "hunter2") {
			t.Errorf("%s: exit %d, %s%s", name, exit, out.String(), faults.String())
		}
	}
	for address, want := range map[string]bool{
		"https://bridge.example": true, "http://127.0.0.1:8080": true, "http://[::1]:8080": true, "http://localhost": true,
		"http://bridge.example": false, "http://127.0.0.1.evil.example": false, "http://localhost.evil.example": false, "http://10.0.0.7": false,
	} {
		if err := mayCall(config{remoteURL: address}); (err == nil) != want {
			t.Errorf("%s: %v", address, err)
		}
		if err := mayCall(config{remoteURL: address, appEnv: "dev"}); err != nil {
			t.Errorf("%s in development: %v", address, err)
		}
	}
}
