package sandbox

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strings"
	"testing"
	"time"
)

const testKey = "SANDBOXTESTKEY000000000000000001"

// newShop makes a demo shop with a fixed clock.
func newShop(t *testing.T, change ...func(*Options)) *Shop {
	t.Helper()
	o := Options{Key: testKey, Now: func() time.Time { return time.Date(2026, 5, 1, 10, 0, 0, 0, time.UTC) }}
	for _, c := range change {
		c(&o)
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// client talks to a shop over TCP, one connection a request, so that no retry
// of the HTTP library hides what the shop does.
type client struct {
	t    *testing.T
	base string
	http *http.Client
}

func listen(t *testing.T, s *Shop) *client {
	t.Helper()
	base, closeShop, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(closeShop)
	return &client{t: t, base: base, http: &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// reply is what came back: a status and body, or an error.
type reply struct {
	status int
	body   string
	err    error
}

func (c *client) do(method, path, body string) reply {
	req, err := http.NewRequest(method, c.base+path, strings.NewReader(body))
	if err != nil {
		return reply{err: err}
	}
	return c.send(req)
}

func (c *client) send(req *http.Request) reply {
	req.SetBasicAuth(testKey, "")
	res, err := c.http.Do(req)
	if err != nil {
		return reply{err: err}
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	return reply{res.StatusCode, string(b), err}
}

func (c *client) patchPrice(id int, price string) reply {
	return c.do("PATCH", fmt.Sprintf("/api/products/%d?output_format=JSON", id),
		fmt.Sprintf("<prestashop><product><id>%d</id><price>%s</price></product></prestashop>", id, price))
}

func (c *client) postHistory(order, state int) reply {
	return c.do("POST", "/api/order_histories?sendemail=1&output_format=JSON",
		fmt.Sprintf("<prestashop><order_history><id_order>%d</id_order><id_order_state>%d</id_order_state></order_history></prestashop>", order, state))
}

func (c *client) upload(product int, name, declared string, data []byte) reply {
	c.t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part, err := w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {fmt.Sprintf(`form-data; name="image"; filename="%s"`, name)}, "Content-Type": {declared}})
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := part.Write(data); err != nil {
		c.t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		c.t.Fatal(err)
	}
	req, err := http.NewRequest("POST", fmt.Sprintf("%s/api/images/products/%d", c.base, product), &b)
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Content-Type", w.FormDataContentType())
	return c.send(req)
}

func wantStatus(t *testing.T, got reply, status int) {
	t.Helper()
	if got.err != nil || got.status != status {
		t.Fatalf("status %d (%v), want %d: %.300s", got.status, got.err, status, got.body)
	}
}

func wantCut(t *testing.T, got reply) {
	t.Helper()
	if got.err == nil {
		t.Fatalf("status %d, want a broken connection", got.status)
	}
}

func wantPrice(t *testing.T, s *Shop, id int, want string) {
	t.Helper()
	if p, _ := s.Product(id); p.Price != want {
		t.Errorf("price of %d is %s, want %s", id, p.Price, want)
	}
}

// eventually waits for a condition that another goroutine brings about. It
// yields instead of sleeping.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("never came true: %s", what)
		}
		<-tick.C
	}
}

func copyAll(w io.Writer, res *http.Response) (int64, error) {
	defer func() { _ = res.Body.Close() }()
	return io.Copy(w, res.Body)
}
