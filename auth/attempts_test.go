package auth

import (
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"
)

var someLimits = AttemptLimits{Pair: 20, Source: 100}

// ATTACK: filling the memory with client ids and addresses that do not exist.
func TestAttackAttemptsAreBounded(t *testing.T) {
	now := time.Unix(1, 0)
	a := NewAttempts(someLimits, func() time.Time { return now })
	for i := range 3 * maxAttemptKeys {
		address := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		if _, allowed := a.Take(address, strings.Repeat("x", 4096)+strconv.Itoa(i)); !allowed {
			t.Fatalf("a new caller was refused at %d", i)
		}
	}
	if len(a.counts) > maxAttemptKeys+1 {
		t.Errorf("%d keys", len(a.counts))
	}
	for key := range a.counts {
		if len(key.name) > maxCountedName+len("name:") {
			t.Errorf("a key of %d bytes", len(key.name))
		}
	}
	now = now.Add(attemptWindow)
	one := netip.MustParseAddr("192.0.2.1")
	for i := range 1000 {
		a.Take(one, strconv.Itoa(i))
	}
	if len(a.counts) != someLimits.Source+1 {
		t.Errorf("%d keys of one address", len(a.counts))
	}
}

// A request without a readable address is counted with the others like it.
func TestAttemptsWithoutAddress(t *testing.T) {
	a := NewAttempts(someLimits, time.Now)
	for i := range someLimits.Pair + 1 {
		if _, allowed := a.Take(netip.Addr{}, "a"); allowed != (i < someLimits.Pair) {
			t.Errorf("request %d: %v", i, allowed)
		}
	}
}

// ATTACK: guessing one person's password from many addresses.
func TestAttackANameIsLimitedFromEverywhere(t *testing.T) {
	a := NewAttempts(AttemptLimits{Pair: 5, Source: 20, Name: 10}, time.Now)
	allowed := 0
	for i := range 50 {
		if _, ok := a.Take(netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}), "ada"); ok {
			allowed++
		}
	}
	if allowed != 10 {
		t.Errorf("%d tries at one name", allowed)
	}
	if _, ok := a.Take(netip.MustParseAddr("198.51.100.1"), "bob"); !ok {
		t.Error("another name was shut out")
	}
}
