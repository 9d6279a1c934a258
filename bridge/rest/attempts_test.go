package rest

import (
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"
)

// ATTACK: filling the memory with client ids and addresses that do not exist.
func TestAttackAttemptsAreBounded(t *testing.T) {
	now := time.Unix(1, 0)
	a := newAttempts(func() time.Time { return now })
	for i := range 3 * maxAttemptKeys {
		address := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		if _, allowed := a.take(address, strings.Repeat("x", 4096)+strconv.Itoa(i)); !allowed {
			t.Fatalf("a new caller was refused at %d", i)
		}
	}
	if len(a.counts) > maxAttemptKeys+1 {
		t.Errorf("%d keys", len(a.counts))
	}
	for key := range a.counts {
		if len(key.client) > maxCountedID+len("client:") {
			t.Errorf("a key of %d bytes", len(key.client))
		}
	}
	now = now.Add(attemptWindow)
	one := netip.MustParseAddr("192.0.2.1")
	for i := range 1000 {
		a.take(one, strconv.Itoa(i))
	}
	if len(a.counts) != attemptsPerSource+1 {
		t.Errorf("%d keys of one address", len(a.counts))
	}
}

// A request without a readable address is counted with the others like it.
func TestAttemptsWithoutAddress(t *testing.T) {
	a := newAttempts(time.Now)
	for i := range attemptsPerClient + 1 {
		if _, allowed := a.take(netip.Addr{}, "a"); allowed != (i < attemptsPerClient) {
			t.Errorf("request %d: %v", i, allowed)
		}
	}
}
