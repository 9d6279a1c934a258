package rest

import (
	"net/netip"
	"sync"
	"time"
)

const (
	attemptWindow = time.Minute
	// A token lasts an hour, so a client that asks twenty times a minute has a
	// fault, and an address that asks a hundred times is guessing.
	attemptsPerClient = 20
	attemptsPerSource = 100
	// maxAttemptKeys and maxCountedID bound the memory.
	maxAttemptKeys = 8192
	maxCountedID   = 128
)

// attemptKey is who is counted: a client id from an address, or, with an empty
// client, the address whatever it calls itself.
type attemptKey struct {
	source netip.Prefix
	client string
}

// attempts counts token requests minute by minute. It is this process's own:
// what it guards is this process's time.
type attempts struct {
	now    func() time.Time
	mu     sync.Mutex
	since  time.Time
	counts map[attemptKey]int
}

func newAttempts(now func() time.Time) *attempts {
	return &attempts{now: now, counts: map[attemptKey]int{}}
}

// take counts one request; when it is one too many, wait says how long the
// minute still lasts. An address that is over its limit adds no more keys.
func (a *attempts) take(source netip.Addr, client string) (wait time.Duration, allowed bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	// Thousands of addresses asking at once are a flood that no count stops;
	// forgetting it all never shuts out a new caller.
	if now.Sub(a.since) >= attemptWindow {
		a.since = now
		clear(a.counts)
	} else if len(a.counts) >= maxAttemptKeys {
		clear(a.counts)
	}
	network := networkOf(source)
	named := attemptKey{source: network, client: "client:" + client[:min(len(client), maxCountedID)]}
	if !a.count(attemptKey{source: network}, attemptsPerSource) || !a.count(named, attemptsPerClient) {
		return attemptWindow - now.Sub(a.since), false
	}
	return 0, true
}

func (a *attempts) count(key attemptKey, most int) bool {
	if a.counts[key] >= most {
		return false
	}
	a.counts[key]++
	return true
}

// networkOf is the address, or the /64 of an IPv6 address: one customer holds
// at least that much of it and could otherwise be a new caller every time.
func networkOf(source netip.Addr) netip.Prefix {
	bits := source.BitLen()
	if source.Is6() {
		bits = 64
	}
	network, err := source.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return network
}
