package rest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
)

// readyTimeout keeps a probe from hanging on a part that hangs.
const readyTimeout = 3 * time.Second

// alive answers as long as the process can answer at all.
func alive(c *call) error {
	c.w.Header().Set("Cache-Control", "no-store")
	return c.writeJSON(http.StatusOK, map[string]string{"status": "ok"})
}

// Check is one part the bridge stands on. Without a part that is needed no
// request should be sent here; without another the bridge is degraded.
type Check struct {
	Name   string
	Needed bool
	Probe  func(context.Context) error
}

// readiness is the body of /readyz. It tells which part is away and never why:
// anybody may ask.
type readiness struct {
	Status string            `json:"status"`
	Checks map[string]string `json:"checks"`
}

// probe tells a load balancer whether to send requests here.
type probe struct{ checks []Check }

func (p probe) serve(c *call) error {
	c.w.Header().Set("Cache-Control", "no-store")
	ctx, cancel := context.WithTimeout(c.r.Context(), readyTimeout)
	defer cancel()
	status, body := http.StatusOK, readiness{Status: "ready", Checks: map[string]string{}}
	for i, trouble := range p.ask(ctx) {
		check := p.checks[i]
		switch {
		case trouble == nil:
			body.Checks[check.Name] = "ok"
			continue
		case check.Needed:
			status, body.Status = http.StatusServiceUnavailable, "not ready"
			c.refusal = errors.Join(c.refusal, trouble)
		case status == http.StatusOK:
			body.Status = "degraded"
		}
		body.Checks[check.Name] = "away"
	}
	if c.refusal != nil {
		c.refusal = notReady(c.refusal)
		c.w.Header().Set("Retry-After", wholeSeconds(bridge.AsError(c.refusal).RetryAdvice(), 1))
	}
	return c.writeJSON(status, body)
}

// ask looks at all parts at once, so that one that hangs does not hide the
// others.
func (p probe) ask(ctx context.Context) []error {
	troubles := make([]error, len(p.checks))
	var all sync.WaitGroup
	for i, check := range p.checks {
		all.Go(func() {
			if err := check.Probe(ctx); err != nil {
				troubles[i] = fmt.Errorf("%s: %w", check.Name, err)
			}
		})
	}
	all.Wait()
	return troubles
}

// notReady is always a 503, whatever the part said.
func notReady(err error) error {
	code := bridge.AsError(err).Code
	if code.Row().Status != http.StatusServiceUnavailable {
		code = bridge.CodeStoreUnavailable
	}
	return bridge.Fault(code, err, "The bridge is not ready.")
}
