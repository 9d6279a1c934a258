package rest

import (
	"net/netip"
	"sync"
	"time"
)

const (
	attemptWindow = time.Minute
	// A token lasts an hour, so a client that asks twenty times a minute has
	// a fault, and an address that asks a hundred times is guessing.
	attemptsPerClient = 20
	attemptsPerSource = 100
	// maxAttemptKeys bounds the memory; a flood of addresses pushes out old
	// counts, never new callers.
	maxAttemptKeys = 8192
	maxCountedID   = 128
)

// attemptKey is who is counted: a client id from an address, or, with an empty
// client, the address whatever it calls itself.
type attemptKey struct {
	source netip.Prefix
	client string
}

// attempts counts token requests in fixed windows. It is this process's own:
// what it guards is this process's time.
type attempts struct {
	now     func() time.Time
	mu      sync.Mutex
	windows map[attemptKey]attemptCount
}

type attemptCount struct {
	since time.Time
	count int
}

func newAttempts(now func() time.Time) *attempts {
	return &attempts{now: now, windows: map[attemptKey]attemptCount{}}
}

// take counts one request; when it is one too many, wait says how long the
// window still lasts.
func (a *attempts) take(source netip.Addr, client string) (wait time.Duration, allowed bool) {
	network := networkOf(source)
	a.mu.Lock()
	defer a.mu.Unlock()
	bySource := a.count(attemptKey{source: network})
	byClient := a.count(attemptKey{source: network, client: "client:" + client[:min(len(client), maxCountedID)]})
	switch {
	case byClient.count > attemptsPerClient:
		return a.left(byClient), false
	case bySource.count > attemptsPerSource:
		return a.left(bySource), false
	}
	return 0, true
}

func (a *attempts) count(key attemptKey) attemptCount {
	now := a.now()
	current, known := a.windows[key]
	if !known {
		a.makeRoom(now)
	}
	if !known || now.Sub(current.since) >= attemptWindow {
		current = attemptCount{since: now}
	}
	current.count++
	a.windows[key] = current
	return current
}

func (a *attempts) left(c attemptCount) time.Duration { return attemptWindow - a.now().Sub(c.since) }

// makeRoom drops the windows that are over and, when all are live, any one.
func (a *attempts) makeRoom(now time.Time) {
	if len(a.windows) < maxAttemptKeys {
		return
	}
	for key, c := range a.windows {
		if now.Sub(c.since) >= attemptWindow {
			delete(a.windows, key)
		}
	}
	for key := range a.windows {
		if len(a.windows) < maxAttemptKeys {
			return
		}
		delete(a.windows, key)
	}
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
