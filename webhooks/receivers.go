package webhooks

import (
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	// atOnce is how many deliveries one receiver gets at the same time while it
	// answers well; one whose last answer was bad gets one.
	atOnce = 8
	// breakAfter bad answers in a row leave a receiver alone for breakFor, then
	// one delivery tries again.
	breakAfter = 5
	breakFor   = 10 * time.Second
	// maxReceivers bounds the memory; idle ones are forgotten first.
	maxReceivers = 10_000
)

// receivers keep each address (scheme, host and port) apart: how much is on its
// way to it, and whether it is worth trying. It is this process's own
// knowledge; every node finds out for itself. A breaker of a library would want
// to hear of every entry how it went; here a delivery that another node took
// says nothing about its receiver.
type receivers struct {
	now   func() time.Time
	mu    sync.Mutex
	known map[string]*receiver
}

type receiver struct {
	running  int
	failures int // bad answers in a row
	rested   time.Time
}

// health is what a delivery has shown of its receiver.
type health int

const (
	untold health = iota // it was not called
	well
	ailing
)

// origin names the receiver of an address.
func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address // no call will be made to it either
	}
	return strings.ToLower(u.Scheme + "://" + u.Host)
}

// free reports whether a delivery to the origin could begin now.
func (r *receivers) free(origin string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	to := r.known[origin]
	return to == nil || to.free(r.now())
}

func (to *receiver) free(now time.Time) bool {
	switch {
	case to.failures == 0:
		return to.running < atOnce
	case to.failures < breakAfter:
		return to.running == 0
	}
	return to.running == 0 && !now.Before(to.rested)
}

// enter takes a place at the receiver; leave gives it back.
func (r *receivers) enter(origin string) (leave func(health), ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	to := r.known[origin]
	if to == nil {
		if len(r.known) >= maxReceivers {
			r.forget()
		}
		to = &receiver{}
		r.known[origin] = to
	}
	if !to.free(r.now()) {
		return nil, false
	}
	to.running++
	return func(shown health) {
		r.mu.Lock()
		defer r.mu.Unlock()
		to.running--
		switch shown {
		case well:
			to.failures = 0
		case ailing:
			to.failures++
			to.rested = r.now().Add(breakFor)
		}
	}, true
}

// forget drops what is known of receivers that nothing is on its way to.
func (r *receivers) forget() {
	for origin, to := range r.known {
		if to.running == 0 {
			delete(r.known, origin)
		}
	}
}
