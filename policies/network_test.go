package policies

import (
	"net/netip"
	"testing"
)

func TestPublicAddress(t *testing.T) {
	for text, want := range map[string]bool{
		"8.8.8.8": true, "1.1.1.1": true, "100.63.255.255": true, "100.128.0.0": true, "172.15.255.255": true, "172.32.0.0": true,
		"198.17.255.255": true, "198.20.0.0": true, "223.255.255.255": true, "192.0.1.0": true, "168.63.129.17": true,
		"2606:4700:4700::1111": true, "2a00:1450::1": true, "::ffff:8.8.8.8": true, "64:ff9b::8.8.8.8": true, "2002:808:808::1": true,

		"0.0.0.0": false, "0.1.2.3": false, "10.255.255.255": false, "100.64.0.0": false, "100.100.100.200": false, "100.127.255.255": false,
		"127.0.0.1": false, "127.255.255.255": false, "168.63.129.16": false, "169.254.169.254": false, "169.254.0.1": false,
		"172.16.0.0": false, "172.31.255.255": false, "192.0.0.192": false, "192.0.2.1": false, "192.88.99.1": false, "192.168.0.1": false,
		"198.18.0.0": false, "198.19.255.255": false, "198.51.100.1": false, "203.0.113.1": false, "224.0.0.1": false, "239.255.255.255": false,
		"240.0.0.1": false, "255.255.255.255": false,

		"::": false, "::1": false, "::2": false, "::127.0.0.1": false, "::8.8.8.8": false, "::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false,
		"::ffff:0:8.8.8.8": false, "64:ff9b::127.0.0.1": false, "64:ff9b::a9fe:a9fe": false, "64:ff9b:1::1": false, "100::1": false,
		"2001::1": false, "2001:0:4136:e378::1": false, "2001:2::1": false, "2001:10::1": false, "2001:20::1": false, "2001:db8::1": false,
		"2002:7f00:1::": false, "2002:a00:1::1": false, "2002:c0a8:101::": false, "3fff::1": false, "4000::1": false, "5f00::1": false,
		"fc00::1": false, "fd00:ec2::254": false, "fe80::1": false, "fec0::1": false, "ff02::1": false, "2606:4700::1%eth0": false,
	} {
		if got := PublicAddress(netip.MustParseAddr(text)); got != want {
			t.Errorf("PublicAddress(%s) = %v", text, got)
		}
	}
	if PublicAddress(netip.Addr{}) {
		t.Error("the zero address is public")
	}
}

func FuzzPublicAddress(f *testing.F) {
	f.Add([]byte{127, 0, 0, 1})
	f.Add([]byte{0xfe, 0x80, 15: 1})
	f.Fuzz(func(t *testing.T, raw []byte) {
		addr, ok := netip.AddrFromSlice(raw)
		if !ok || !PublicAddress(addr) {
			return
		}
		if addr.Unmap() != addr && !PublicAddress(addr.Unmap()) {
			t.Errorf("%s is public only in its IPv6 spelling", addr)
		}
		addr = addr.Unmap()
		if !addr.IsGlobalUnicast() && addr.String() != "255.255.255.255" || addr.IsPrivate() || addr.IsLoopback() {
			t.Errorf("%s passed", addr)
		}
	})
}
