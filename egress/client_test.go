package egress

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/prestashop-bridge/bridge/policies"
)

func clientFor(t *testing.T, redirects int, hosts ...string) *Client {
	t.Helper()
	c := NewClient(policies.Book{AllowedHosts: hosts}, Options{Timeout: 5 * time.Second, Redirects: redirects})
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func serve(t *testing.T, h http.HandlerFunc) (server *httptest.Server, host string) {
	t.Helper()
	server = httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server, strings.TrimPrefix(server.URL, "http://")
}

// A public name that resolves to a private address gets past every check of
// its spelling; the dialer must see the address.
func TestDialsArePublicOnly(t *testing.T) {
	for address, public := range map[string]bool{
		"127.0.0.1:443": false, "10.1.2.3:80": false, "169.254.169.254:80": false, "[::1]:443": false, "[::ffff:10.0.0.1]:443": false,
		"100.64.0.1:443": false, "224.0.0.1:443": false, "[64:ff9b::a00:1]:443": false,
		"[fd00:ec2::254]:80": false, "0.0.0.0:80": false, "nonsense": false, "93.184.216.34:443": true, "[2606:2800:220:1::1]:443": true,
	} {
		if err := publicOnly(t.Context(), "tcp", address, nil); (err == nil) != public {
			t.Errorf("%s: %v", address, err)
		}
	}
	_, host := serve(t, func(_ http.ResponseWriter, r *http.Request) { t.Errorf("%s was fetched", r.URL) })
	c := clientFor(t, 0)
	if conn, err := c.dial(t.Context(), "tcp", host); !Refused(err) {
		t.Errorf("dialled %v, %v", conn, err)
	}
	// The name passes by its spelling on no list; its address is loopback.
	_, port, _ := strings.Cut(host, ":")
	if _, err := c.dial(t.Context(), "tcp", "localhost:"+port); !Refused(err) {
		t.Errorf("a name that resolves to loopback: %v", err)
	}
}

func TestEveryRedirectIsAsked(t *testing.T) {
	private, _ := serve(t, func(_ http.ResponseWriter, r *http.Request) { t.Errorf("%s was fetched", r.URL) })
	open, host := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, private.URL+"/secret", http.StatusFound)
	})
	if resp, err := clientFor(t, 3, host).Get(open.URL); !Refused(err) {
		t.Errorf("got %v, %v", resp, err)
	}
}

func TestRedirectsAreBoundedOrNotFollowed(t *testing.T) {
	hops := 0
	server, host := serve(t, func(w http.ResponseWriter, r *http.Request) {
		hops++
		http.Redirect(w, r, fmt.Sprintf("/hop%d", hops), http.StatusFound)
	})
	if resp, err := clientFor(t, 3, host).Get(server.URL); err == nil || hops != 4 {
		t.Errorf("%v, %v after %d calls", resp, err, hops)
	}
	resp, err := clientFor(t, 0, host).Get(server.URL)
	if err != nil || resp.StatusCode != http.StatusFound {
		t.Fatalf("%v, %v", resp, err)
	}
	resp.Body.Close()
}

// At registration the name's present addresses are looked at too; a name that
// does not resolve passes, since every connection asks again.
func TestAdmitLooksTheNameUp(t *testing.T) {
	c := clientFor(t, 0, "localhost:8080")
	plain := NewClient(policies.Book{}, Options{Timeout: time.Second, PlainHTTP: true})
	for address, admitted := range map[string]bool{
		"https://93.184.216.34/": true, "https://no-such-name.invalid/": true, "http://localhost:8080/": true,
		"https://127.0.0.1/": false, "https://localhost/": false, "http://93.184.216.34/": false, "nonsense": false,
	} {
		if err := c.Admit(t.Context(), address); (err == nil) != admitted {
			t.Errorf("%s: %v", address, err)
		}
	}
	if err := plain.Admit(t.Context(), "http://93.184.216.34/"); err != nil {
		t.Errorf("plain http in development: %v", err)
	}
	if err := plain.Admit(t.Context(), "http://10.0.0.1/"); !Refused(err) {
		t.Errorf("plain http to a private address: %v", err)
	}
	if err := publicAnswers([]netip.Addr{netip.MustParseAddr("93.184.216.34"), netip.MustParseAddr("10.0.0.1")}); !Refused(err) {
		t.Errorf("a public and a private address: %v", err)
	}
}

func TestTransportErrorsTellNothing(t *testing.T) {
	_, host := serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	_, err := clientFor(t, 0, host).Get("http://" + host)
	if bare := Bare(err); strings.Contains(bare.Error(), host) || Refused(bare) {
		t.Errorf("%v", bare)
	}
	if refused := clientFor(t, 0).Allowed("http://203.0.113.7/"); !errors.Is(Bare(refused), policies.ErrAddressRefused) {
		t.Errorf("%v", refused)
	}
	if plain := clientFor(t, 0).Allowed("http://example.com/"); !errors.Is(plain, policies.ErrPlainHTTP) {
		t.Errorf("%v", plain)
	}
}
