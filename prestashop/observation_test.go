package prestashop

import (
	"errors"
	"fmt"
	"testing"

	"github.com/sony/gobreaker/v2"

	"github.com/prestashop-bridge/bridge/bridge"
)

func TestOutcomes(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{nil, "ok"},
		{&bridge.ShopError{Fault: bridge.Refused}, "refused"},
		{&bridge.ShopError{Fault: bridge.NotFound}, "not_found"},
		{unreached("away", nil), "unreached"},
		{unreached("left alone", gobreaker.ErrOpenState), "not_sent"},
		{unreached("left alone", gobreaker.ErrTooManyRequests), "not_sent"},
		{&bridge.ShopError{Fault: bridge.Unclear}, "unclear"},
		{fmt.Errorf("wrapped: %w", errors.New("a bug")), "unclear"},
	} {
		if got := outcomeOf(c.err); got != c.want {
			t.Errorf("%v: got %s, want %s", c.err, got, c.want)
		}
	}
}
