package rest

import (
	"context"
	"net/http"
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

// probe tells a load balancer whether to send requests here.
type probe struct{ ready func(context.Context) error }

func (p probe) serve(c *call) error {
	c.w.Header().Set("Cache-Control", "no-store")
	if p.ready != nil {
		ctx, cancel := context.WithTimeout(c.r.Context(), readyTimeout)
		defer cancel()
		if err := p.ready(ctx); err != nil {
			return notReady(err)
		}
	}
	return c.writeJSON(http.StatusOK, map[string]string{"status": "ready"})
}

// notReady is always a 503; a fault that is none of the program's own keeps
// its text for the log.
func notReady(err error) error {
	fault := bridge.AsError(err)
	if fault.Code.Row().Status == http.StatusServiceUnavailable {
		return fault
	}
	return bridge.Fault(bridge.CodeStoreUnavailable, err, "The bridge is not ready.")
}
