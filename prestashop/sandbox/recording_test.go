package sandbox

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// recording is one exchange with the real shop.
type recording struct {
	number int
	name   string
	method string
	target string
	header http.Header
	host   string
	body   []byte

	status   int
	answered http.Header
	answer   string
	database string
	mails    int // -1 if not recorded
}

const recordingsDir = "testdata/recordings"

// loadRecordings reads all recordings in order.
func loadRecordings(t *testing.T) []recording {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(recordingsDir, "*.http"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	out := make([]recording, 0, len(files))
	for _, f := range files {
		content, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		r, err := parseRecording(strings.TrimSuffix(filepath.Base(f), ".http"), string(content))
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		out = append(out, r)
	}
	return out
}

var mailCount = regexp.MustCompile(`(?m)^=== E-MAILS SENT: (\d+)`)

func parseRecording(name, content string) (recording, error) {
	r := recording{name: name, mails: -1}
	r.number, _ = strconv.Atoi(name[:3])
	for strings.HasPrefix(content, "#") {
		_, content, _ = strings.Cut(content, "\n")
	}
	request, response, found := strings.Cut(content, "\n=== RESPONSE")
	if !found {
		return r, fmt.Errorf("no response")
	}
	if err := r.parseRequest(request); err != nil {
		return r, err
	}
	_, response, _ = strings.Cut(response, "\n")
	if m := mailCount.FindStringSubmatch(response); m != nil {
		r.mails, _ = strconv.Atoi(m[1])
		response = response[:strings.Index(response, "=== E-MAILS SENT")]
	}
	response, r.database, _ = strings.Cut(response, "\n=== DATABASE AFTER ===\n")
	return r, r.parseResponse(response)
}

func (r *recording) parseRequest(text string) error {
	head, body, _ := strings.Cut(text, "\n\n")
	lines := strings.Split(head, "\n")
	parts := strings.Split(lines[0], " ")
	if len(parts) < 3 {
		return fmt.Errorf("bad request line %q", lines[0])
	}
	r.method, r.target = parts[0], parts[1]
	r.header = readHeader(lines[1:])
	r.host = r.header.Get("Host")
	// The recorder put two line feeds behind each body.
	body = strings.TrimSuffix(body, "\n")
	r.body = []byte(body)
	if n, err := strconv.Atoi(r.header.Get("Content-Length")); err == nil && n < len(body) {
		r.body = r.body[:n]
	}
	r.repair()
	return nil
}

// repair makes up for bodies the recorder could not keep: it replaced bytes
// that are no text by dots. The picture sent is not what these recordings are
// about, so any picture of the same type will do.
func (r *recording) repair() {
	_, body, binary := strings.Cut(string(r.body), "bytes> ")
	if !binary || !strings.HasPrefix(string(r.body), "<binary") {
		return
	}
	switch {
	case r.number == 170:
		r.body = []byte(strings.Replace(body, "abc.", "abc\xff", 1))
	case strings.HasPrefix(body, "------RealShopBoundary"):
		head, _, _ := strings.Cut(strings.ReplaceAll(body, "\r\n", "\n"), "\n\n")
		kind := strings.TrimSpace(head[strings.LastIndex(head, ":")+1:])
		head = strings.ReplaceAll(head, "\n", "\r\n")
		r.body = append([]byte(head+"\r\n\r\n"), samplePicture(kind)...)
		r.body = append(r.body, "\r\n------RealShopBoundary7MA4--\r\n"...)
	default:
		r.body = samplePicture("image/jpeg")
	}
	r.header.Del("Content-Length")
}

func readHeader(lines []string) http.Header {
	h := http.Header{}
	for _, l := range lines {
		if name, value, ok := strings.Cut(l, ": "); ok {
			h.Add(name, value)
		}
	}
	return h
}

func (r *recording) parseResponse(text string) error {
	head, body, _ := strings.Cut(text, "\n\n")
	lines := strings.Split(head, "\n")
	if _, err := fmt.Sscanf(lines[0], "HTTP/1.1 %d", &r.status); err != nil {
		return fmt.Errorf("status line %q: %w", lines[0], err)
	}
	r.answered = readHeader(lines[1:])
	r.answer = strings.TrimSpace(body)
	return nil
}

// send performs the recorded request against a handler.
func (r *recording) send(h http.Handler) (*http.Response, string, error) {
	raw := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\n\r\n", r.method, r.target, r.host)
	req, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
	if err != nil {
		return nil, "", err
	}
	for name, values := range r.header {
		if name != "Host" && name != "Content-Length" {
			req.Header[name] = values
		}
	}
	req.Body = io.NopCloser(bytes.NewReader(r.body))
	w := newRecorder()
	h.ServeHTTP(w, req)
	return w.result(), w.body.String(), nil
}

// recorder is a ResponseWriter that keeps what net/http would send, without
// guessing a Content-Type as httptest does.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func newRecorder() *recorder { return &recorder{header: http.Header{}} }

func (w *recorder) Header() http.Header         { return w.header }
func (w *recorder) WriteHeader(status int)      { w.status = status }
func (w *recorder) Write(b []byte) (int, error) { return w.body.Write(b) }

func (w *recorder) result() *http.Response {
	return &http.Response{StatusCode: w.status, Header: w.header}
}
