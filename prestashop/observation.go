package prestashop

import (
	"errors"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/prestashop-bridge/bridge/bridge"
)

// Call is what an observer hears of one call to the shop. Method and Resource
// are those of the table of allowed calls.
type Call struct {
	Shop     string // its name, "" for that of the settings
	Method   string
	Resource string
	Outcome  string // ok, refused, not_found, unreached, unclear or not_sent
	Took     time.Duration
}

// outcomeOf sorts an error of do by what it means.
func outcomeOf(err error) string {
	if err == nil {
		return "ok"
	}
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		return "not_sent" // the breaker is open
	}
	var fault *bridge.ShopError
	if !errors.As(err, &fault) {
		return "unclear"
	}
	switch fault.Fault {
	case bridge.Refused:
		return "refused"
	case bridge.NotFound:
		return "not_found"
	case bridge.Unreached:
		return "unreached"
	}
	return "unclear"
}
