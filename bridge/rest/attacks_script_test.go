package rest_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prestashop-bridge/bridge/schemas"
)

// The scripts of testdata/attacks, one attack a file, against the whole bridge
// over real connections. A script is prose under three headings, then sections
// that are played in order:
//
//	-- request [from ADDRESS] [then hang up] --  sent as it stands, lines ended with CRLF
//	-- body CODING, CODING --  the body of the request above, when it cannot stand below its head
//	-- signed --    what ${sig} takes for the body, when that is not what is sent
//	-- each --      values for ${each}, every one a request of its own: VALUE -> ANSWER
//	-- answer --    what must come back, one line an answer; nothing else may come
//	-- captured --  an honest request that the attacker has seen; it is not sent here
//	-- replay --    the captured request, byte for byte
//	-- clock +31s -- moves the bridge's clock, which otherwise stands still
//	-- done --      waits until every accepted job has ended
//
// An answer is a status with the error code and the rule it must name, as
// "403 bad_signature"; "400 net/http" is a refusal of Go's server that never
// reached the door. Below it may stand "header NAME: VALUE", "same job" (as the
// first one of the script) and "jobs 1" (accepted by this request; none
// otherwise). The connection must be closed after the last answer unless the
// line "open" says that it stays. Placeholders are listed in spell.
func TestAttackScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/attacks/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	target := newTarget(t)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			sections, err := readScript(string(raw))
			if err != nil {
				t.Fatal(err)
			}
			target.turnOn()
			(&play{target: target, name: filepath.Base(file)}).run(t, sections)
		})
	}
}

// docs/security.md says of every script what it shows.
func TestSecurityPageNamesEveryAttack(t *testing.T) {
	page, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob("testdata/attacks/*.txt")
	for _, file := range files {
		if name := strings.TrimSuffix(filepath.Base(file), ".txt"); !bytes.Contains(page, []byte("`"+name+"`")) {
			t.Errorf("docs/security.md does not name %s", name)
		}
	}
}

// headings are what every script says in prose, in this order.
var headings = []string{"VULNERABILITY", "ATTACK SCENARIO", "THIS TEST VERIFIES"}

// section is one marker and the lines below it.
type section struct {
	title string
	text  string
}

var marker = regexp.MustCompile(`^-- (.+) --$`)

// readScript separates the sections and holds the prose to its headings.
func readScript(text string) ([]section, error) {
	var sections []section
	prose := &strings.Builder{}
	into := prose
	bodies := []*strings.Builder{}
	for line := range strings.Lines(text) {
		if found := marker.FindStringSubmatch(strings.TrimSuffix(line, "\n")); found != nil {
			sections = append(sections, section{title: found[1]})
			into = &strings.Builder{}
			bodies = append(bodies, into)
			continue
		}
		into.WriteString(line)
	}
	for i, body := range bodies {
		sections[i].text = body.String()
	}
	title, said, _ := strings.Cut(prose.String(), "\n")
	if title == "" || len(sections) == 0 {
		return nil, errors.New("a script begins with its title and has sections")
	}
	for _, heading := range headings {
		_, after, found := strings.Cut(said, "\n"+heading+"\n")
		if !found || len(strings.Fields(after)) < 5 {
			return nil, fmt.Errorf("nothing stands under %s", heading)
		}
		said = after
	}
	return sections, nil
}

// play is one script on its way.
type play struct {
	target   *target
	name     string
	captured wire
	firstJob string
}

// exchange is a request with what belongs to it.
type exchange struct {
	request section
	body    *section
	signed  *section
	each    []string
	answer  []string
	replay  bool
}

func (p *play) run(t *testing.T, sections []section) {
	for i := 0; i < len(sections); i++ {
		kind, rest, _ := strings.Cut(sections[i].title, " ")
		switch kind {
		case "clock":
			by, err := time.ParseDuration(strings.TrimPrefix(rest, "+"))
			if err != nil {
				t.Fatal(err)
			}
			p.target.clock.Add(int64(by))
		case "done":
			p.target.finish(t)
		case "captured", "request", "replay":
			x := exchange{request: sections[i], replay: kind == "replay"}
			for i+1 < len(sections) && x.take(sections[i+1]) {
				i++
			}
			if kind == "captured" {
				p.captured = p.wire(t, x, "")
				continue
			}
			p.exchange(t, x)
		default:
			t.Fatalf("a section %q belongs to no request", sections[i].title)
		}
	}
}

// take adds a section that belongs to the request.
func (x *exchange) take(s section) bool {
	switch kind, _, _ := strings.Cut(s.title, " "); kind {
	case "body":
		x.body = &s
	case "signed":
		x.signed = &s
	case "each":
		x.each = linesOf(s.text)
	case "answer":
		x.answer = linesOf(s.text)
	default:
		return false
	}
	return true
}

func linesOf(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == '\n' })
}

func (p *play) exchange(t *testing.T, x exchange) {
	t.Helper()
	if len(x.each) == 0 {
		p.shoot(t, x, "", x.answer)
		return
	}
	for _, line := range x.each {
		value, answer, found := strings.Cut(line, " -> ")
		if unquoted, err := strconv.Unquote(value); err == nil {
			value = unquoted
		}
		t.Run(fmt.Sprintf("%.60s", value), func(t *testing.T) {
			if !found {
				t.Fatal("want VALUE -> ANSWER")
			}
			p.shoot(t, x, value, append([]string{answer}, x.answer...))
		})
	}
}

// shoot sends one request and holds everything that comes back to the script.
func (p *play) shoot(t *testing.T, x exchange, each string, expected []string) {
	t.Helper()
	w := p.captured
	if !x.replay {
		w = p.wire(t, x, each)
	}
	want := readExpectations(t, expected)
	before := p.target.jobs(t)
	connection := p.target.dial(t, fromAddress(x.request.title))
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(20 * time.Second))
	// A server that refuses early may close while we still write.
	_, _ = connection.Write(w.raw)
	if strings.HasSuffix(x.request.title, "then hang up") {
		_ = connection.(*net.TCPConn).CloseWrite()
	}
	reader := bufio.NewReader(connection)
	for _, answer := range want.answers {
		p.compare(t, reader, w, answer)
	}
	if t.Failed() {
		return
	}
	checkEnd(t, connection, reader, want.open)
	if got := p.target.jobs(t) - before; got != want.jobs {
		t.Errorf("%d job(s) accepted, want %d", got, want.jobs)
	}
}

func fromAddress(title string) string {
	words := strings.Fields(title)
	if i := slices.Index(words, "from"); i >= 0 {
		return words[i+1]
	}
	return handlerAddress
}

// expectation is one answer that must come.
type expectation struct {
	status  int
	code    string // "" for an answer that is no refusal
	rule    string
	plain   bool // net/http's own
	headers [][2]string
	says    []string
	sameJob bool
}

type expectations struct {
	answers []*expectation
	open    bool
	jobs    int
}

func readExpectations(t *testing.T, lines []string) (want expectations) {
	t.Helper()
	for _, line := range lines {
		words := strings.Fields(line)
		status, err := strconv.Atoi(words[0])
		switch {
		case err == nil:
			e := &expectation{status: status}
			if len(words) > 1 {
				e.code, e.plain = words[1], words[1] == "net/http"
			}
			if len(words) > 2 {
				e.rule = words[2]
			}
			want.answers = append(want.answers, e)
		case words[0] == "open":
			want.open = true
		case words[0] == "jobs":
			want.jobs, _ = strconv.Atoi(words[1])
		case words[0] == "says":
			last := want.answers[len(want.answers)-1]
			last.says = append(last.says, strings.TrimPrefix(line, "says "))
		case line == "same job":
			want.answers[len(want.answers)-1].sameJob = true
		case words[0] == "header":
			name, value, _ := strings.Cut(strings.TrimPrefix(line, "header "), ": ")
			last := want.answers[len(want.answers)-1]
			last.headers = append(last.headers, [2]string{name, value})
		case words[0] == "closed":
		default:
			t.Fatalf("an answer line %q means nothing", line)
		}
	}
	return want
}

func (p *play) compare(t *testing.T, reader *bufio.Reader, w wire, want *expectation) {
	t.Helper()
	got, err := http.ReadResponse(reader, &http.Request{Method: w.method})
	if err != nil {
		t.Errorf("no answer (%v), want %d", err, want.status)
		return
	}
	body, err := io.ReadAll(got.Body)
	_ = got.Body.Close()
	if want.plain {
		err = nil // Go's server may cut the connection behind such an answer
	}
	if err != nil || got.StatusCode != want.status {
		t.Errorf("got %d (%v), want %d\n%.1000s", got.StatusCode, err, want.status, body)
		return
	}
	for _, header := range want.headers {
		if value := got.Header.Get(header[0]); value != header[1] {
			t.Errorf("%s: %q, want %q", header[0], value, header[1])
		}
	}
	for _, text := range want.says {
		if !bytes.Contains(body, []byte(text)) {
			t.Errorf("%q is not said:\n%.1000s", text, body)
		}
	}
	if want.plain != strings.HasPrefix(got.Header.Get("Content-Type"), "text/plain") {
		t.Errorf("answered by the wrong side: %q\n%.500s", got.Header.Get("Content-Type"), body)
	}
	if !want.plain {
		p.compareBody(t, body, w, want)
	}
}

// compareBody looks at the door's own answers: the code and rule of a refusal,
// the job of an acceptance, and that no secret comes back in either.
func (p *play) compareBody(t *testing.T, body []byte, w wire, want *expectation) {
	t.Helper()
	var said struct {
		schemas.Problem
		OAuthError string `json:"error"`
		JobID      string `json:"job_id"`
	}
	// A read has other members, which do not matter here.
	if err := json.Unmarshal(body, &said); err != nil && want.code != "" {
		t.Errorf("the refusal cannot be read: %v\n%.500s", err, body)
		return
	}
	if code := said.ErrorCode + said.OAuthError; want.code != "" && (code != want.code || said.Rule != want.rule) {
		t.Errorf("refused as %q by rule %q, want %q by %q\n%.1000s", code, said.Rule, want.code, want.rule, body)
	}
	if p.firstJob == "" {
		p.firstJob = said.JobID
	}
	if want.sameJob && (said.JobID == "" || said.JobID != p.firstJob) {
		t.Errorf("job %q, want %q", said.JobID, p.firstJob)
	}
	for _, secret := range w.secrets() {
		if bytes.Contains(body, []byte(secret)) {
			t.Errorf("%.20q of the request came back:\n%s", secret, body)
		}
	}
}

// checkEnd sees that nothing comes after the answers.
func checkEnd(t *testing.T, connection net.Conn, reader *bufio.Reader, open bool) {
	t.Helper()
	patience := 5 * time.Second
	if open {
		patience = 200 * time.Millisecond
	}
	_ = connection.SetReadDeadline(time.Now().Add(patience))
	more, err := reader.Peek(1)
	var timeout net.Error
	stillOpen := errors.As(err, &timeout) && timeout.Timeout()
	switch {
	case len(more) > 0:
		rest, _ := reader.Peek(reader.Buffered())
		t.Errorf("one answer too many: %.200q", rest)
	case stillOpen != open:
		t.Errorf("connection open: %v, want %v", stillOpen, open)
	}
}
