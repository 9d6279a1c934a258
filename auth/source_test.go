package auth

import (
	"net/http"
	"net/netip"
	"testing"
)

// An address is read as itself or not at all.
func FuzzForwardedHop(f *testing.F) {
	for _, seed := range []string{"10.0.0.1", "10.0.0.1:80", "[::1]:80", "[::1]", "::ffff:10.0.0.1", "fe80::1%eth0", "unknown", "", "10.0.0.1 "} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, hop string) {
		addr := parseHop(hop)
		if !addr.IsValid() {
			return
		}
		if again := parseHop(addr.String()); again != addr || addr.Is4In6() || addr.Zone() != "" {
			t.Errorf("%q became %v, then %v", hop, addr, again)
		}
	})
}

func TestAddressIsTheNearestHopNobodyOfOursWrote(t *testing.T) {
	s := Sources{Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	for name, c := range map[string]struct{ remote, forwarded, want string }{
		"direct":                           {"192.0.2.1:5000", "", "192.0.2.1"},
		"direct, and lying":                {"192.0.2.1:5000", "198.51.100.9", "192.0.2.1"},
		"through a proxy":                  {"10.0.0.1:5000", "198.51.100.9", "198.51.100.9"},
		"through a proxy, lying before it": {"10.0.0.1:5000", "127.0.0.1, 198.51.100.9", "198.51.100.9"},
		"through two proxies":              {"10.0.0.1:5000", "198.51.100.9, 10.0.0.2", "198.51.100.9"},
		"a proxy that says nothing":        {"10.0.0.1:5000", "", "10.0.0.1"},
	} {
		r := &http.Request{RemoteAddr: c.remote, Header: http.Header{}}
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		if got := s.Address(r); got != netip.MustParseAddr(c.want) {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
	}
}
