package auth

import (
	"net/netip"
	"sync"
	"time"
)

const (
	attemptWindow = time.Minute
	// maxAttemptKeys and maxCountedName bound the memory.
	maxAttemptKeys = 8192
	maxCountedName = 128
)

// AttemptLimits say how many attempts a minute are let through; zero means any
// number.
type AttemptLimits struct {
	Pair   int // for one name from one address
	Source int // for one address, whatever name it gives
	Name   int // for one name, wherever from
}

// attemptKey is who is counted: a name from an address, a name alone, or an
// address alone.
type attemptKey struct {
	source netip.Prefix
	name   string
}

// Attempts counts tries at a secret minute by minute. It is this process's
// own: what it guards first is this process's time.
type Attempts struct {
	limits AttemptLimits
	now    func() time.Time
	mu     sync.Mutex
	since  time.Time
	counts map[attemptKey]int
}

// NewAttempts makes a counter; now is its clock.
func NewAttempts(limits AttemptLimits, now func() time.Time) *Attempts {
	return &Attempts{limits: limits, now: now, counts: map[attemptKey]int{}}
}

// Take counts one attempt; when it is one too many, wait says how long the
// minute still lasts. An address that is over its limit adds no more keys.
func (a *Attempts) Take(source netip.Addr, name string) (wait time.Duration, allowed bool) {
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
	network, named := networkOf(source), "name:"+name[:min(len(name), maxCountedName)]
	for _, counted := range []struct {
		key  attemptKey
		most int
	}{
		{attemptKey{source: network}, a.limits.Source},
		{attemptKey{source: network, name: named}, a.limits.Pair},
		{attemptKey{name: named}, a.limits.Name},
	} {
		if counted.most > 0 && !a.count(counted.key, counted.most) {
			return attemptWindow - now.Sub(a.since), false
		}
	}
	return 0, true
}

func (a *Attempts) count(key attemptKey, most int) bool {
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
