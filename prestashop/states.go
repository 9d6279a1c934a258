package prestashop

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/policies"
	"github.com/prestashop-bridge/bridge/schemas"
)

// statusKeys ties the canonical words to the configuration keys by which the
// shop knows its own states; the ids behind the keys differ from shop to shop.
// The English name finds the state when the key cannot be read.
var statusKeys = []struct{ word, key, name string }{
	{policies.AwaitingCheckPayment, "PS_OS_CHEQUE", "Awaiting check payment"},
	{policies.PaymentAccepted, "PS_OS_PAYMENT", "Payment accepted"},
	{policies.Processing, "PS_OS_PREPARATION", "Processing in progress"},
	{policies.Shipped, "PS_OS_SHIPPING", "Shipped"},
	{policies.Delivered, "PS_OS_DELIVERED", "Delivered"},
	{policies.Canceled, "PS_OS_CANCELED", "Canceled"},
	{policies.Refunded, "PS_OS_REFUND", "Refunded"},
	{policies.PaymentError, "PS_OS_ERROR", "Payment error"},
	{policies.OnBackorderPaid, "PS_OS_OUTOFSTOCK_PAID", "On backorder (paid)"},
	{policies.AwaitingBankWire, "PS_OS_BANKWIRE", "Awaiting bank wire payment"},
	{policies.RemotePaymentAccepted, "PS_OS_WS_PAYMENT", "Remote payment accepted"},
	{policies.OnBackorderUnpaid, "PS_OS_OUTOFSTOCK_UNPAID", "On backorder (not paid)"},
	{policies.AwaitingCODValidation, "PS_OS_COD_VALIDATION", "Awaiting Cash On Delivery validation"},
}

// stateRow is one of the shop's order states.
type stateRow struct {
	ID      number    `json:"id"`
	Name    localized `json:"name"`
	Mails   flag      `json:"send_email"`
	Paid    flag      `json:"paid"`
	Shipped flag      `json:"shipped"`
	Deleted flag      `json:"deleted"`
}

// named reports whether the state has this name in any language.
func (r stateRow) named(name string) bool {
	for _, text := range r.Name {
		if strings.EqualFold(strings.TrimSpace(text), strings.TrimSpace(name)) {
			return true
		}
	}
	return false
}

// statuses are the shop's states with the canonical words they stand for.
type statuses struct {
	states []stateRow
	words  map[int64]string // canonical word by state id
	ids    map[string]int64 // state id by canonical word
	tongue []int64          // language ids, the preferred first
}

// statuses reads the states and finds their words.
func (s *settings) statuses(ctx context.Context) (statuses, error) {
	settings, err := s.configuration.get(ctx)
	if err != nil {
		return statuses{}, err
	}
	states, err := s.orderStates.get(ctx)
	if err != nil {
		return statuses{}, err
	}
	preferred, err := s.preferredLanguages(ctx)
	if err != nil {
		return statuses{}, err
	}
	known := statuses{states: states, words: map[int64]string{}, ids: map[string]int64{}}
	for _, l := range preferred {
		known.tongue = append(known.tongue, int64(l.ID))
	}
	for _, status := range statusKeys {
		id := settings.number(status.key, 0)
		if id == 0 {
			id = known.only(status.name)
		}
		if id != 0 {
			known.words[id], known.ids[status.word] = status.word, id
		}
	}
	return known, nil
}

// freshStatuses reads the lists anew: a state the cache does not know may be
// new in the shop.
func (s *settings) freshStatuses(ctx context.Context) (statuses, error) {
	s.orderStates.drop()
	s.configuration.drop()
	return s.statuses(ctx)
}

// byName lists the live states of this name.
func (k statuses) byName(name string) []int64 {
	var ids []int64
	for _, state := range k.states {
		if !bool(state.Deleted) && state.named(name) {
			ids = append(ids, int64(state.ID))
		}
	}
	return ids
}

// only is the one live state of this name, 0 for none or several.
func (k statuses) only(name string) int64 {
	if ids := k.byName(name); len(ids) == 1 {
		return ids[0]
	}
	return 0
}

// state finds a state by id.
func (k statuses) state(id int64) (stateRow, bool) {
	at := slices.IndexFunc(k.states, func(r stateRow) bool { return int64(r.ID) == id })
	if at < 0 {
		return stateRow{}, false
	}
	return k.states[at], true
}

// name is a state's name in the shop's default language, else in English,
// else in any.
func (k statuses) name(id int64) string {
	state, _ := k.state(id)
	for _, language := range k.tongue {
		if name := state.Name.in(language); name != "" {
			return name
		}
	}
	return ""
}

// label is how a state is called in messages.
func (k statuses) label(id int64) string {
	if word := k.words[id]; word != "" {
		return word
	}
	return fmt.Sprintf("%q", k.name(id))
}

// status describes a state for answers.
func (k statuses) status(id int64) schemas.OrderStatus {
	state, _ := k.state(id)
	return schemas.OrderStatus{ID: id, Key: k.words[id], Name: k.name(id), Paid: bool(state.Paid), Shipped: bool(state.Shipped)}
}

// resolve finds the state a client means: a canonical word, else the shop's
// own name. An alias that is also the name of another state of the shop is
// ambiguous; a canonical word never is.
func (k statuses) resolve(wanted string) (int64, error) {
	word, isWord := policies.CanonicalStatus(wanted)
	id, known := k.ids[word]
	if isWord && known && strings.EqualFold(wanted, word) {
		return id, nil
	}
	candidates := k.byName(wanted)
	if isWord && known && !slices.Contains(candidates, id) {
		candidates = append(candidates, id)
	}
	switch len(candidates) {
	case 1:
		return candidates[0], nil
	case 0:
		return 0, statusFault("%q is no order status of this shop. Known words: %s. The shop's own names: %s.",
			wanted, strings.Join(k.knownWords(), ", "), strings.Join(k.ownNames(), ", "))
	}
	labels := make([]string, len(candidates))
	for i, id := range candidates {
		labels[i] = fmt.Sprintf("%s (state %d)", k.label(id), id)
	}
	return 0, statusFault("%q can mean %s; use a canonical word or a name only one state has.", wanted, strings.Join(labels, " or "))
}

func statusFault(format string, args ...any) error {
	fault := bridge.Fault(bridge.CodeUnprocessable, nil, format, args...)
	fault.Fields = []schemas.FieldError{{Pointer: "/new_status", Keyword: "enum", Message: fault.Message}}
	return fault
}

func (k statuses) knownWords() []string {
	var words []string
	for _, status := range statusKeys {
		if _, known := k.ids[status.word]; known {
			words = append(words, status.word)
		}
	}
	return words
}

func (k statuses) ownNames() []string {
	var names []string
	for _, state := range k.states {
		if !bool(state.Deleted) {
			names = append(names, fmt.Sprintf("%q", k.name(int64(state.ID))))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// checkMove asks the policies whether an order may go from one state to
// another.
func (k statuses) checkMove(orderID, from, to int64) error {
	err := policies.CheckTransition(k.words[from], k.words[to])
	if err == nil || from == to {
		return nil
	}
	fault := bridge.Fault(bridge.CodeImpossibleTransition, err, "Order %d cannot go from %s to %s", orderID, k.label(from), k.label(to))
	if why := (*policies.TransitionError)(nil); errors.As(err, &why) {
		fault.Message += ": " + why.Reason
		fault.Fix = why.Fix
	}
	fault.Message += "; possible from here: " + k.possibleFrom(from) + "."
	fault.Fields = []schemas.FieldError{{Pointer: "/new_status", Keyword: "transition", Message: fault.Message}}
	return fault
}

func (k statuses) possibleFrom(from int64) string {
	var words []string
	for _, word := range k.knownWords() {
		if word != k.words[from] && policies.CheckTransition(k.words[from], word) == nil {
			words = append(words, word)
		}
	}
	if len(words) == 0 {
		return "nothing"
	}
	return strings.Join(words, ", ")
}

// restocks reports whether an order in this state has put its goods back on
// sale; the shop does that for exactly these two (OrderHistory::changeIdOrderState).
func (k statuses) restocks(id int64) bool {
	return k.words[id] == policies.Canceled || k.words[id] == policies.PaymentError
}

// knowRestocking reports whether restocks can be trusted.
func (k statuses) knowRestocking() bool {
	return k.ids[policies.Canceled] != 0 && k.ids[policies.PaymentError] != 0
}
