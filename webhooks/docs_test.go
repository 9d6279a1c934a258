package webhooks_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/webhooks"
)

var update = flag.Bool("update", false, "rewrite what docs/webhooks.md takes from the code")

const manual = "../docs/webhooks.md"

// made are the parts of the manual that the code writes.
var made = map[string]func(*testing.T) string{
	"topics":  topicTable,
	"retries": retryLine,
	"go":      snippet("go", "go/verify.go"),
	"python":  snippet("python", "verify.py"),
	"node":    snippet("js", "verify.js"),
	"php":     snippet("php", "verify.php"),
}

var madePart = regexp.MustCompile(`(?s)<!-- made from the code: (\w+) -->\n(.*?)<!-- end -->`)

func TestDocsOfWebhooks(t *testing.T) {
	raw, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	used := 0
	text := madePart.ReplaceAllStringFunc(string(raw), func(part string) string {
		name := madePart.FindStringSubmatch(part)[1]
		write, known := made[name]
		if !known {
			t.Errorf("the part %s is unknown", name)
			return part
		}
		used++
		return "<!-- made from the code: " + name + " -->\n" + write(t) + "<!-- end -->"
	})
	if used != len(made) {
		t.Errorf("%d of %d parts are in the manual", used, len(made))
	}
	if *update {
		if err := os.WriteFile(manual, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if text != string(raw) {
		t.Errorf("%s does not say what the code says; run make generate and read the difference", manual)
	}
}

func topicTable(*testing.T) string {
	var b strings.Builder
	b.WriteString("| topic | fires | when, or why not |\n| --- | --- | --- |\n")
	for _, row := range bridge.Topics {
		name := "`" + string(row.Topic) + "`"
		if !row.Vendor {
			name += " (ours)"
		}
		fires := map[bridge.TopicSource]string{bridge.FromJobs: "yes", bridge.FromFeed: "yes; others' changes with the feed", bridge.FromNone: "never"}[row.Source]
		fmt.Fprintf(&b, "| %s | %s | %s |\n", name, fires, row.Fires)
	}
	return b.String()
}

func retryLine(*testing.T) string {
	var words []string
	for _, pause := range webhooks.Retries {
		switch {
		case pause >= time.Hour:
			words = append(words, fmt.Sprintf("%d h", int(pause.Hours())))
		case pause >= time.Minute:
			words = append(words, fmt.Sprintf("%d min", int(pause.Minutes())))
		default:
			words = append(words, fmt.Sprintf("%d s", int(pause.Seconds())))
		}
	}
	return fmt.Sprintf("An attempt has %d s. After a failure the delivery waits %s, each up to a tenth longer; after %d attempts it is given up.\n",
		int(webhooks.Timeout.Seconds()), strings.Join(words, ", "), len(webhooks.Retries)+1)
}

func snippet(language, file string) func(*testing.T) string {
	return func(t *testing.T) string {
		t.Helper()
		raw, err := os.ReadFile(filepath.Join("testdata", "verify", file))
		if err != nil {
			t.Fatal(err)
		}
		return "```" + language + "\n" + string(raw) + "```\n"
	}
}

// sample is a delivery as the programs below read it.
type sample struct {
	Secret  string            `json:"secret"`
	Token   string            `json:"token"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
}

// The programs that wrap the manual's snippets: they read a sample from stdin
// and print what both checks say.
var runners = map[string]struct {
	command []string
	program string
}{
	"python3": {[]string{"python3", "-c"}, `
import json, sys
sys.path.insert(0, "testdata/verify")
sys.dont_write_bytecode = True
from verify import verify, verify_token
s = json.load(sys.stdin)
body = s["body"].encode()
print(str(verify(s["secret"], s["headers"], body)).lower(), str(verify_token(s["token"], s["headers"]["x-yhsd-hmac-sha256"], body)).lower())`},
	"node": {[]string{"node", "-e"}, `
const { verify, verifyToken } = require("./testdata/verify/verify.js");
const s = JSON.parse(require("fs").readFileSync(0));
const body = Buffer.from(s.body);
console.log(verify(s.secret, s.headers, body), verifyToken(s.token, s.headers["x-yhsd-hmac-sha256"], body));`},
	"php": {[]string{"php", "-r"}, `
require "testdata/verify/verify.php";
$s = json_decode(stream_get_contents(STDIN), true);
echo json_encode(verify($s["secret"], $s["headers"], $s["body"])), " ", json_encode(verify_token($s["token"], $s["headers"]["x-yhsd-hmac-sha256"], $s["body"]));`},
	"go": {[]string{"go", "run"}, `package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
)

func main() {
	var s struct {
		Secret, Token, Body string
		Headers             map[string]string
	}
	if err := json.NewDecoder(os.Stdin).Decode(&s); err != nil {
		panic(err)
	}
	header := http.Header{}
	for name, value := range s.Headers {
		header.Set(name, value)
	}
	fmt.Println(verify(s.Secret, header, []byte(s.Body)), verifyToken(s.Token, header, []byte(s.Body)))
}
`},
}

// The snippets of the manual verify a real delivery and refuse an altered one,
// in every language whose interpreter is here.
func TestSnippetsVerify(t *testing.T) {
	r := newRig(t)
	r.run(r.engine())
	rc := r.receiver(nil)
	id := r.subscribe(bridge.TopicJobAccepted, rc.URL, bridge.ContentJSON)
	r.accept()
	d := rc.next(t)
	shown := r.secrets(id)
	good := sample{Secret: shown.Secret, Token: shown.WebhookToken, Body: d.body, Headers: map[string]string{}}
	for _, name := range []string{"webhook-id", "webhook-timestamp", "webhook-signature", "x-yhsd-hmac-sha256"} {
		good.Headers[name] = d.header.Get(name)
	}
	altered := good
	altered.Body = strings.Replace(good.Body, "accepted", "succeeded", 1)
	for name, runner := range runners {
		t.Run(name, func(t *testing.T) {
			if _, err := exec.LookPath(runner.command[0]); err != nil {
				t.Skipf("%s is not installed: its snippet was not run", runner.command[0])
			}
			for want, s := range map[string]sample{"true true": good, "false false": altered} {
				input, err := json.Marshal(s)
				if err != nil {
					t.Fatal(err)
				}
				args := append(runner.command[1:], runner.program)
				if name == "go" {
					args = append([]string{"run"}, goProgram(t, runner.program)...)
				}
				cmd := exec.Command(runner.command[0], args...)
				cmd.Stdin = bytes.NewReader(input)
				out, err := cmd.CombinedOutput()
				if got := strings.TrimSpace(string(out)); err != nil || got != want {
					t.Errorf("%q, %v, want %q", got, err, want)
				}
			}
		})
	}
}

// goProgram copies the snippet beside a main: go run wants files of one folder.
func goProgram(t *testing.T, program string) []string {
	t.Helper()
	snippet, err := os.ReadFile(filepath.Join("testdata", "verify", "go", "verify.go"))
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	var files []string
	for name, text := range map[string][]byte{"verify.go": snippet, "main.go": []byte(program)} {
		file := filepath.Join(folder, name)
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}
