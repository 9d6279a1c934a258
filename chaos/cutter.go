package main

import (
	"math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"sync"
	"time"
)

// cutter cuts some of the client's connections, each at a random moment: while
// the request leaves, while it is worked on, or while the answer comes.
type cutter struct {
	below http.RoundTripper

	mu   sync.Mutex
	rng  *rand.Rand // nil once the storm is over
	cuts int
}

const (
	cutShare  = 0.06 // of requests
	cutWithin = 120 * time.Millisecond
)

// RoundTrip is http.RoundTripper's.
func (c *cutter) RoundTrip(r *http.Request) (*http.Response, error) {
	moment, cut := c.throw()
	if !cut {
		return c.below.RoundTrip(r)
	}
	var once sync.Once
	trace := &httptrace.ClientTrace{GotConn: func(at httptrace.GotConnInfo) {
		once.Do(func() { time.AfterFunc(moment, func() { _ = at.Conn.Close() }) })
	}}
	return c.below.RoundTrip(r.WithContext(httptrace.WithClientTrace(r.Context(), trace)))
}

func (c *cutter) throw() (moment time.Duration, cut bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rng == nil || c.rng.Float64() > cutShare {
		return 0, false
	}
	c.cuts++
	// Squared: most requests are answered within milliseconds.
	part := c.rng.Float64()
	return time.Duration(part * part * float64(cutWithin)), true
}

// rest ends the cutting and says how many connections were cut.
func (c *cutter) rest() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rng = nil
	return c.cuts
}
