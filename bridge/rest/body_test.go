package rest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/policies"
)

func TestGzipMatrix(t *testing.T) {
	const hint = `299 - "gzip recommended above 1024 bytes"`
	identity := func(text string) []byte { return []byte(text) }
	cut := func(by int) func(string) []byte {
		return func(text string) []byte { packed := gzipped(text); return packed[:len(packed)-by] }
	}
	for _, c := range []struct {
		name     string
		size     int
		encoding string
		encode   func(string) []byte
		status   int
		warning  string
	}{
		{"small and plain", 100, "", identity, 202, ""},
		{"small and said to be plain", 100, "identity", identity, 202, ""},
		{"small and compressed", 100, "gzip", gzipped, 202, ""},
		{"compressed under the old name", 100, "x-gzip", gzipped, 202, ""},
		{"coding in capitals", 100, "GZIP", gzipped, 202, ""},
		{"at the recommendation", 1024, "", identity, 202, ""},
		{"one above the recommendation", 1025, "", identity, 202, hint},
		{"compressed above the recommendation", 1025, "gzip", gzipped, 202, ""},
		{"at the requirement", 32768, "", identity, 202, hint},
		{"one above the requirement", 32769, "", identity, 415, ""},
		{"compressed above the requirement", 32769, "gzip", gzipped, 202, ""},
		{"large and compressed", 1 << 20, "gzip", gzipped, 202, ""},
		{"compressed but not said so", 100, "", gzipped, 400, ""},
		{"said to be compressed but plain", 100, "gzip", identity, 400, ""},
		{"another coding", 100, "br", identity, 415, ""},
		{"deflate", 100, "deflate", identity, 415, ""},
		{"two codings", 100, "gzip, gzip", gzipped, 415, ""},
		{"empty but said to be compressed", 100, "gzip", func(string) []byte { return nil }, 400, ""},
		{"checksum cut off", 100, "gzip", cut(1), 400, ""},
		{"trailer cut off", 100, "gzip", cut(8), 400, ""},
		{"body cut off", 40000, "gzip", cut(20), 400, ""},
		{"header only", 100, "gzip", func(text string) []byte { return gzipped(text)[:10] }, 400, ""},
		{"checksum wrong", 100, "gzip", func(text string) []byte {
			packed := gzipped(text)
			packed[len(packed)-8] ^= 1
			return packed
		}, 400, ""},
		{"two members", 100, "gzip", func(text string) []byte { return append(gzipped(text), gzipped(" ")...) }, 400, ""},
		{"bytes after the member", 100, "gzip", func(text string) []byte { return append(gzipped(text), 0) }, 400, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := write(padded(c.size))
			s.encoding, s.encode = c.encoding, c.encode
			s.after = func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }
			w := newRig(t).send(s)
			expect(t, w, c.status)
			if got := w.Header().Get("Warning"); got != c.warning {
				t.Errorf("Warning %q, want %q", got, c.warning)
			}
			if c.status == 415 && w.Header().Get("Accept-Encoding") != "gzip" {
				t.Errorf("a 415 without Accept-Encoding: gzip")
			}
		})
	}
}

// The limit is on the bytes as sent and on the bytes they decode to; exactly
// 10,485,760 is allowed in both.
func TestPayloadLimit(t *testing.T) {
	const limit = 10485760
	for _, c := range []struct {
		name     string
		payload  string
		encoding string
		encode   func(string) []byte
		chunked  bool
		status   int
	}{
		// Over 32768 bytes uncompressed is a 415, which comes after the size.
		{"plain at the limit", padded(limit), "", nil, false, 415},
		{"plain over the limit", padded(limit + 1), "", nil, false, 413},
		{"chunked at the limit", padded(limit), "", nil, true, 415},
		{"chunked over the limit", padded(limit + 1), "", nil, true, 413},
		{"chunked far over the limit", padded(2 * limit), "", nil, true, 413},
		{"decoded at the limit", padded(limit), "gzip", gzipped, false, 202},
		{"decoded over the limit", padded(limit + 1), "gzip", gzipped, false, 413},
		{"stored near the limit", padded(limit - 2000), "gzip", stored, false, 202},
		{"stored over the limit as sent", padded(limit - 100), "gzip", stored, false, 413},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := write(c.payload)
			s.encoding, s.encode = c.encoding, c.encode
			if c.chunked {
				s.after = func(r *http.Request) { r.ContentLength = -1 }
			}
			w := newRig(t).send(s)
			expect(t, w, c.status)
			if c.status != http.StatusRequestEntityTooLarge {
				return
			}
			if p := problem(t, w, 413, bridge.CodePayloadTooLarge); p.Rule != policies.MaxPayload {
				t.Errorf("rule %q", p.Rule)
			}
			if w.Header().Get("Connection") != "close" {
				t.Error("the rest of the body would be read as the next request")
			}
		})
	}
}

// A body announced too large is refused before a byte of it is read.
func TestAnnouncedSizeIsRefusedUnread(t *testing.T) {
	r, s := newRig(t), write(updateBody)
	body := &countingReader{Reader: strings.NewReader(updateBody)}
	s.after = func(req *http.Request) {
		req.ContentLength = 10485761
		req.Body = io.NopCloser(body)
	}
	r.refused(s, http.StatusRequestEntityTooLarge, bridge.CodePayloadTooLarge)
	if body.read > 0 {
		t.Errorf("%d bytes were read", body.read)
	}
}

// However long a stream goes on, one byte over the limit is the last one read.
func TestStreamIsReadToTheLimitOnly(t *testing.T) {
	r, s := newRig(t), write(updateBody)
	body := &countingReader{Reader: endless{}}
	s.after = func(req *http.Request) {
		req.ContentLength = -1
		req.Body = io.NopCloser(body)
	}
	r.refused(s, http.StatusRequestEntityTooLarge, bridge.CodePayloadTooLarge)
	if body.read != 10485761 {
		t.Errorf("%d bytes were read", body.read)
	}
}

func TestBodyThatBreaksOff(t *testing.T) {
	r, s := newRig(t), write(updateBody)
	s.after = func(req *http.Request) {
		req.Body = io.NopCloser(io.MultiReader(strings.NewReader("{"), failing{}))
	}
	r.refused(s, http.StatusBadRequest, bridge.CodeInvalidRequest)
}

func TestReadWithBody(t *testing.T) {
	s := read(productPath)
	s.payload = `{"product_id":7}`
	p := newRig(t).refused(s, http.StatusBadRequest, bridge.CodeInvalidRequest)
	if !strings.Contains(p.Detail, "no body") {
		t.Errorf("detail %q", p.Detail)
	}
}

// The hash in the signature is of the bytes as sent; a client that signs the
// text before compressing it is told so.
func TestSignatureOverTheUncompressedText(t *testing.T) {
	r, s := newRig(t), write(updateBody)
	s.encoding, s.encode = "gzip", gzipped
	s.after = func(req *http.Request) {
		text := auth.StringToSign(req.Method, req.RequestURI, req.Header.Get("X-Timestamp"), requestID, auth.BodyHash([]byte(updateBody)))
		req.Header.Set("X-Signature", auth.Sign(hmacSecret, text))
	}
	p := r.refused(s, http.StatusForbidden, bridge.CodeBadSignature)
	if !strings.Contains(p.Fix, "as sent") {
		t.Errorf("fix %q", p.Fix)
	}
}

type countingReader struct {
	io.Reader
	read int
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.read += n
	return n, err
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// Over a real connection: the refusal of an upload that was not read reaches
// its sender, and the connection is not used again.
func TestRefusedUploadIsAnswered(t *testing.T) {
	r := newRig(t)
	server := httptest.NewServer(r.handler)
	defer server.Close()
	for _, length := range []int64{10485761, -1} {
		signed := r.request(write(updateBody))
		request, err := http.NewRequest(http.MethodPost, server.URL+updatePath, strings.NewReader(padded(10485761)))
		if err != nil {
			t.Fatal(err)
		}
		request.Header, request.ContentLength = signed.Header, length
		response, err := server.Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusRequestEntityTooLarge || !response.Close {
			t.Errorf("length %d: got %d, connection kept: %v", length, response.StatusCode, !response.Close)
		}
	}
}
