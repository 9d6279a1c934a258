package rest_test

import (
	"net/http"
	"net/netip"
	"testing"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/bridge/rest"
)

// A client with networks of its own is bound to them, at the token endpoint
// too; a proxy of ours in between changes nothing.
func TestSourcesOfAClient(t *testing.T) {
	for _, c := range []struct {
		name, remote, forwarded string
		allowed                 bool
	}{
		{"inside", "10.1.2.3:9", "", true},
		{"outside", "203.0.113.5:9", "", false},
		{"inside by the proxy", "192.0.2.10:9", "10.1.2.3", true},
		{"outside by the proxy", "192.0.2.10:9", "203.0.113.5", false},
		{"an address that is none", "@", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, func(d *rest.Door) { d.TrustedProxies = networks(t, "192.0.2.0/24") })
			r.confine("10.0.0.0/8")
			from := func(req *http.Request) {
				req.RemoteAddr = c.remote
				if c.forwarded != "" {
					req.Header.Set("X-Forwarded-For", c.forwarded)
				}
			}
			s, tokenRequest := read(productPath), ask(grant())
			s.after = from
			from(tokenRequest)
			if c.allowed {
				expect(t, r.send(s), http.StatusOK)
				expect(t, r.serve(tokenRequest), http.StatusOK)
				return
			}
			r.refused(s, http.StatusForbidden, bridge.CodeSourceRefused)
			expect(t, r.serve(tokenRequest), http.StatusForbidden)
		})
	}
}

// ATTACK: an address of the inside, written into X-Forwarded-For.
func TestAttackForwardedAddress(t *testing.T) {
	for _, c := range []struct {
		name      string
		remote    string
		forwarded []string
		allowed   bool
	}{
		{"inside, directly", "10.1.2.3:9", nil, true},
		{"outside, directly", "203.0.113.5:9", nil, false},
		{"outside, claiming inside", "203.0.113.5:9", []string{"10.1.2.3"}, false},
		{"by the proxy for the inside", "192.0.2.10:9", []string{"10.1.2.3"}, true},
		{"by the proxy for the outside", "192.0.2.10:9", []string{"203.0.113.5"}, false},
		{"outside, claiming inside, by the proxy", "192.0.2.10:9", []string{"10.1.2.3, 203.0.113.5"}, false},
		{"outside, claiming inside in a line of its own", "192.0.2.10:9", []string{"10.1.2.3", "203.0.113.5"}, false},
		{"outside, claiming to be the proxy", "203.0.113.5:9", []string{"10.1.2.3, 192.0.2.10"}, false},
		{"two proxies", "192.0.2.10:9", []string{"10.1.2.3, 192.0.2.11"}, true},
		{"outside by two proxies, claiming inside", "192.0.2.10:9", []string{"10.1.2.3, 203.0.113.5, 192.0.2.11"}, false},
		{"proxies all the way", "192.0.2.10:9", []string{"192.0.2.11"}, false},
		{"garbage by the proxy", "192.0.2.10:9", []string{"10.1.2.3, unknown"}, false},
		{"nothing by the proxy", "192.0.2.10:9", nil, false},
		{"empty by the proxy", "192.0.2.10:9", []string{""}, false},
		{"with a port", "192.0.2.10:9", []string{"10.1.2.3:4711"}, true},
		{"IPv4 in IPv6", "[::ffff:10.1.2.3]:9", nil, true},
		{"IPv6 in brackets", "192.0.2.10:9", []string{"[2001:db8::7]"}, true},
		{"IPv6 with a port", "192.0.2.10:9", []string{"[2001:db8::7]:4711"}, true},
		{"IPv6 with a zone", "[2001:db8::7%eth0]:9", nil, true},
		{"IPv6 outside", "[2001:db9::7]:9", nil, false},
		{"an address that is none", "@", nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, func(d *rest.Door) {
				d.AllowedSources = networks(t, "10.0.0.0/8", "2001:db8::/32")
				d.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
			})
			s := read(productPath)
			s.after = func(req *http.Request) {
				req.RemoteAddr = c.remote
				for _, line := range c.forwarded {
					req.Header.Add("X-Forwarded-For", line)
				}
			}
			if !c.allowed {
				r.refused(s, http.StatusForbidden, bridge.CodeSourceRefused)
				return
			}
			expect(t, r.send(s), http.StatusOK)
		})
	}
}
