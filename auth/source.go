package auth

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Sources tells where a request comes from and whether that network may call.
type Sources struct {
	// Allowed are the networks that may call; none means all.
	Allowed []netip.Prefix
	// Proxies are the networks whose X-Forwarded-For is believed.
	Proxies []netip.Prefix
}

// Allows reports whether the address is in an allowed network. An address that
// could not be read is in none.
func (s Sources) Allows(addr netip.Addr) bool {
	return len(s.Allowed) == 0 || contains(s.Allowed, addr)
}

// Address is the nearest hop that is not a proxy of ours. Everything left of
// it in X-Forwarded-For was written by somebody nobody here vouches for, so
// only the right end counts, and only when the connection itself comes from a
// trusted proxy. The zero address means that it cannot be told.
func (s Sources) Address(r *http.Request) netip.Addr {
	addr := parseHop(r.RemoteAddr)
	if !contains(s.Proxies, addr) {
		return addr
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	if len(hops) == 1 && strings.TrimSpace(hops[0]) == "" {
		return addr
	}
	for _, hop := range slices.Backward(hops) {
		addr = parseHop(hop)
		if !contains(s.Proxies, addr) {
			return addr
		}
	}
	return addr
}

// parseHop reads an address with or without a port; some proxies add one. An
// IPv4 address inside IPv6 is the IPv4 address, or a list of IPv4 networks
// would not hold for it.
func parseHop(text string) netip.Addr {
	text = strings.TrimSpace(text)
	if withPort, err := netip.ParseAddrPort(text); err == nil {
		return withPort.Addr().Unmap().WithZone("")
	}
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap().WithZone("")
}

// contains reports whether any of the networks holds the address. A network
// written as ::ffff:10.0.0.0/104 means 10.0.0.0/8.
func contains(networks []netip.Prefix, addr netip.Addr) bool {
	return slices.ContainsFunc(networks, func(n netip.Prefix) bool {
		if n.Addr().Is4In6() && n.Bits() >= 96 {
			n = netip.PrefixFrom(n.Addr().Unmap(), n.Bits()-96)
		}
		return n.Contains(addr)
	})
}
