package prestashop

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
)

// watchedRow is a line of any list that is watched.
type watchedRow struct {
	ID        number `json:"id"`
	Product   number `json:"id_product"`
	Quantity  text   `json:"quantity"`
	UpdatedAt text   `json:"date_upd"`
}

// watchedKinds are the resources whose rows bear the time of their last save.
var watchedKinds = map[bridge.ObjectKind]string{
	bridge.KindProduct: "products", bridge.KindOrder: "orders", bridge.KindCustomer: "customers",
}

// watchedLists are the resources that are compared page by page, with the
// columns that are.
var watchedLists = map[bridge.List]struct{ resource, display string }{
	bridge.ListProducts: {"products", "[id,date_upd]"},
	bridge.ListStock:    {"stock_availables", "[id,id_product,quantity]"},
}

// Clock asks the shop what time it is.
func (s *Shop) Clock(ctx context.Context) (time.Time, error) {
	out := call{method: http.MethodGet, resource: "languages", query: url.Values{"display": {"[id]"}, "limit": {"1"}}}
	a, err := s.client.do(ctx, out)
	if err != nil {
		return time.Time{}, err
	}
	at := a.clock()
	if at.IsZero() {
		return at, unreadable(out, errors.New("neither Access-Time nor Date tells the shop's time"))
	}
	return at, nil
}

// clock is the shop's time when it answered, zero when the answer does not
// tell. Access-Time is by the clock that also writes date_upd (recording 030);
// where a proxy has taken it away, Date is from the same host.
func (a answer) clock() time.Time {
	if seconds, err := strconv.ParseInt(a.header.Get("Access-Time"), 10, 64); err == nil && seconds > 0 {
		return time.Unix(seconds, 0).UTC()
	}
	date, _ := http.ParseTime(a.header.Get("Date")) // zero is "none"
	return date.UTC()
}

// Changed lists what was saved within the window or later. It has no upper
// bound: a save under a clock that ran ahead bears a time in the future. Pages
// go by id, because a row that is saved meanwhile keeps its id, but not its
// place by time.
func (s *Shop) Changed(ctx context.Context, kind bridge.ObjectKind, within bridge.Window, after int64) ([]bridge.Row, error) {
	settings, err := s.settings.configuration.get(ctx)
	if err != nil {
		return nil, err
	}
	from := earliest(within, settings.zone)
	query := url.Values{
		"filter[date_upd]": {">[" + from + "]"}, "date": {"1"}, "display": {"[id,date_upd]"},
		"sort": {"[id_ASC]"}, "limit": {strconv.Itoa(bridge.FeedPage)},
	}
	if after > 0 {
		query.Set("filter[id]", ">["+strconv.FormatInt(after, 10)+"]")
	}
	found, err := rows[watchedRow](ctx, s.client, watchedKinds[kind], query)
	if err != nil {
		return nil, err
	}
	var list []bridge.Row
	for _, r := range found {
		if int64(r.ID) <= after || string(r.UpdatedAt) <= from {
			// A page that is not the one asked for would be taken for the end of
			// the list, or for its beginning for ever.
			return nil, unreached("The shop's list is not what was asked for.", fmt.Errorf("%s %d of %q after %d", watchedKinds[kind], r.ID, r.UpdatedAt, after))
		}
		after = int64(r.ID)
		list = append(list, bridge.Row{ID: after, Object: after, Mark: string(r.UpdatedAt)})
	}
	return list, nil
}

// unknownZone is how far behind UTC a shop's clock may be whose zone cannot be
// known.
const unknownZone = -12 * time.Hour

// earliest is a shop time below every one that the shop's clock has shown
// within the window. When clocks are set back it shows an hour twice, so the
// lesser of the two offsets counts.
func earliest(within bridge.Window, zone *time.Location) string {
	offset := unknownZone
	if zone != nil {
		_, first := within.From.In(zone).Zone()
		_, last := within.To.In(zone).Zone()
		offset = time.Duration(min(first, last)) * time.Second
	}
	return within.From.UTC().Add(offset - time.Second).Format(shopTime)
}

// recurs reports whether the shop's clock shows a time twice.
func recurs(t text, zone *time.Location) bool {
	at, err := time.ParseInLocation(shopTime, string(t), cmp.Or(zone, time.UTC))
	if err != nil {
		return false
	}
	for _, shift := range []time.Duration{-time.Hour, -30 * time.Minute, 30 * time.Minute, time.Hour} {
		if at.Add(shift).Format(shopTime) == string(t) {
			return true
		}
	}
	return false
}

// Last is the highest id on a list, 0 when it is empty.
func (s *Shop) Last(ctx context.Context, list bridge.List) (int64, error) {
	found, err := rows[watchedRow](ctx, s.client, watchedLists[list].resource, url.Values{"display": {"[id]"}, "sort": {"[id_DESC]"}, "limit": {"1"}})
	if err != nil || len(found) == 0 {
		return 0, err
	}
	return int64(found[0].ID), nil
}

// Page gives the rows of a list between two ids. Each comes once.
func (s *Shop) Page(ctx context.Context, list bridge.List, first, last int64) ([]bridge.Row, error) {
	query := url.Values{
		"filter[id]": {fmt.Sprintf("[%d,%d]", first, last)}, "display": {watchedLists[list].display},
		"sort": {"[id_ASC]"}, "limit": {strconv.FormatInt(last-first+1, 10)},
	}
	found, err := rows[watchedRow](ctx, s.client, watchedLists[list].resource, query)
	if err != nil {
		return nil, err
	}
	page := make([]bridge.Row, 0, len(found))
	before := first - 1
	for _, r := range found {
		if int64(r.ID) <= before || int64(r.ID) > last {
			return nil, unreached("The shop's list is not what was asked for.", fmt.Errorf("%s %d within %d to %d", watchedLists[list].resource, r.ID, first, last))
		}
		before = int64(r.ID)
		row := bridge.Row{ID: before, Object: before, Mark: string(r.UpdatedAt)}
		if list == bridge.ListStock {
			row.Object, row.Mark = int64(r.Product), string(r.Quantity)
		}
		page = append(page, row)
	}
	return page, nil
}

// Lists asks for an object by another way than its address: two that agree are
// a proof where one alone may be a fault of the shop.
func (s *Shop) Lists(ctx context.Context, o bridge.Object) (bool, error) {
	query := where("id", o.ID)
	query.Set("display", "[id]")
	found, err := rows[watchedRow](ctx, s.client, watchedKinds[o.Kind], query)
	for _, r := range found {
		if int64(r.ID) == o.ID {
			return true, nil
		}
	}
	return false, err
}
