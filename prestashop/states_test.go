package prestashop

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/policies"
)

// recordedStatuses are the states of the recorded shop, with its own ids
// behind the keys and two states of its own added.
func recordedStatuses(t *testing.T, own ...stateRow) statuses {
	t.Helper()
	states, err := decodeRows[stateRow](recorded(t, "310").answer.body, "order_states")
	if err != nil {
		t.Fatal(err)
	}
	known := statuses{states: append(states, own...), words: map[int64]string{}, ids: map[string]int64{}, tongue: []int64{1, 2}}
	for at, status := range statusKeys {
		known.words[int64(at+1)], known.ids[status.word] = status.word, int64(at+1)
	}
	return known
}

func TestEveryCanonicalWordHasItsKey(t *testing.T) {
	var words []string
	for _, status := range statusKeys {
		words = append(words, status.word)
		if word, ok := policies.CanonicalStatus(status.key); !ok || word != status.word {
			t.Errorf("%s is %q in policies, %q here", status.key, word, status.word)
		}
	}
	if !slices.Equal(words, policies.Statuses) {
		t.Errorf("words %v, want %v", words, policies.Statuses)
	}
}

func TestStatusWordsAreResolved(t *testing.T) {
	known := recordedStatuses(t,
		stateRow{ID: 20, Name: localized{1: "Ready for pick-up", 2: "Prêt au retrait"}},
		stateRow{ID: 21, Name: localized{1: "Sent"}},
		stateRow{ID: 22, Name: localized{1: "Twin"}}, stateRow{ID: 23, Name: localized{2: "twin"}},
		stateRow{ID: 24, Name: localized{1: "Retired"}, Deleted: true},
	)
	for wanted, want := range map[string]int64{
		"shipped": 4, "SHIPPED": 4, "PS_OS_SHIPPING": 4, "dispatched": 4, "cancelled": 6, "Payment accepted": 2, "payment_accepted": 2,
		"On backorder (paid)": 9, "ready for PICK-UP": 20, "prêt au retrait": 20,
	} {
		if got, err := known.resolve(wanted); err != nil || got != want {
			t.Errorf("%s: got %d, %v, want %d", wanted, got, err, want)
		}
	}
	for wanted, words := range map[string][]string{
		"teleported": {`"teleported" is no order status`, "payment_accepted", `"Ready for pick-up"`},
		"Retired":    {"is no order status"},
		"sent":       {"can mean", "shipped (state 4)", `"Sent" (state 21)`},
		"TWIN":       {"can mean", "(state 22)", "(state 23)"},
		"":           {"is no order status"},
	} {
		_, err := known.resolve(wanted)
		var refusal *bridge.Error
		if !errors.As(err, &refusal) || refusal.Code != bridge.CodeUnprocessable || refusal.Fields[0].Pointer != "/new_status" {
			t.Errorf("%s: got %v", wanted, err)
			continue
		}
		for _, word := range words {
			if !strings.Contains(refusal.Message, word) {
				t.Errorf("%s: no %s in %s", wanted, word, refusal.Message)
			}
		}
	}
}

func TestMovesAreAskedOfThePolicies(t *testing.T) {
	known := recordedStatuses(t, stateRow{ID: 20, Name: localized{1: "Delivered"}})
	for _, c := range []struct {
		from, to int64
		possible bool
	}{{2, 3, true}, {3, 4, true}, {5, 3, false}, {6, 2, false}, {7, 20, false}, {4, 4, true}, {6, 6, true}, {3, 20, true}, {20, 3, true}} {
		err := known.checkMove(12, c.from, c.to)
		if (err == nil) != c.possible {
			t.Errorf("%d to %d: %v", c.from, c.to, err)
		}
	}
	err := known.checkMove(12, 5, 3)
	var refusal *bridge.Error
	if !errors.As(err, &refusal) || refusal.Code != bridge.CodeImpossibleTransition ||
		!strings.Contains(refusal.Message, "Order 12 cannot go from delivered to processing") || !strings.Contains(refusal.Message, "possible from here: refunded") {
		t.Errorf("got %v", err)
	}
}
