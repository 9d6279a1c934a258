package policies

import "net/netip"

// closed are the IPv4 and IPv6 blocks that are not the public Internet: the
// IANA special-purpose registries (RFC 6890 and its updates), multicast, and
// one public-looking address that clouds answer from inside.
var closed = blocks(
	"0.0.0.0/8",        // this network, RFC 791
	"10.0.0.0/8",       // private, RFC 1918
	"100.64.0.0/10",    // carrier NAT, RFC 6598; holds Alibaba's metadata 100.100.100.200
	"127.0.0.0/8",      // loopback, RFC 1122
	"168.63.129.16/32", // Azure's host agent
	"169.254.0.0/16",   // link-local, RFC 3927; holds the clouds' metadata 169.254.169.254
	"172.16.0.0/12",    // private, RFC 1918
	"192.0.0.0/24",     // protocol assignments, RFC 6890; holds Oracle's metadata 192.0.0.192
	"192.0.2.0/24",     // documentation, RFC 5737
	"192.88.99.0/24",   // 6to4 relays, RFC 7526
	"192.168.0.0/16",   // private, RFC 1918
	"198.18.0.0/15",    // benchmarks, RFC 2544
	"198.51.100.0/24",  // documentation, RFC 5737
	"203.0.113.0/24",   // documentation, RFC 5737
	"224.0.0.0/4",      // multicast, RFC 5771
	"240.0.0.0/4",      // reserved, RFC 1112, and broadcast
	"2001::/23",        // protocol assignments, RFC 2928: Teredo, benchmarks, ORCHID
	"2001:db8::/32",    // documentation, RFC 3849
	"3fff::/20",        // documentation, RFC 9637
)

// globalUnicast is the only part of IPv6 that IANA hands out (RFC 4291 §2.4);
// all else, from ::1 to fe80::/10, fd00:ec2::254 and ff00::/8, is not public.
var globalUnicast = netip.MustParsePrefix("2000::/3")

// carriers are the IPv6 blocks that carry an IPv4 address at the given byte,
// to which a gateway on the way would deliver: NAT64 (RFC 6052) and 6to4
// (RFC 3056).
var carriers = []struct {
	prefix netip.Prefix
	at     int
}{
	{netip.MustParsePrefix("64:ff9b::/96"), 12},
	{netip.MustParsePrefix("2002::/16"), 2},
}

func blocks(texts ...string) []netip.Prefix {
	prefixes := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		prefixes[i] = netip.MustParsePrefix(text)
	}
	return prefixes
}

// PublicAddress reports whether an address is a host of the public Internet.
// Ask it at dial time for the resolved address (net.Dialer.ControlContext),
// where no DNS answer can change any more. An IPv6 form of an IPv4 address
// (mapped, NAT64, 6to4) is as public as the address it carries.
func PublicAddress(addr netip.Addr) bool {
	if !addr.IsValid() || addr.Zone() != "" {
		return false
	}
	addr = addr.Unmap()
	for _, carrier := range carriers {
		if carrier.prefix.Contains(addr) {
			raw := addr.As16()
			return PublicAddress(netip.AddrFrom4([4]byte(raw[carrier.at : carrier.at+4])))
		}
	}
	if addr.Is6() && !globalUnicast.Contains(addr) {
		return false
	}
	for _, block := range closed {
		if block.Contains(addr) {
			return false
		}
	}
	return true
}
