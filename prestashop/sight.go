package prestashop

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// Sight reads an object anew. Nothing of it is shared with other readers or
// taken from a cache but the shop's settings.
func (s *Shop) Sight(ctx context.Context, o bridge.Object, private bool) (bridge.Sighting, error) {
	seen := bridge.Sighting{Object: o, Age: bridge.Unknown, Rest: bridge.Unknown}
	switch o.Kind {
	case bridge.KindProduct:
		return s.sightProduct(ctx, seen)
	case bridge.KindOrder:
		return s.sightOrder(ctx, seen, private)
	case bridge.KindCustomer:
		return s.sightCustomer(ctx, seen)
	case bridge.KindShop:
		return s.sightSettings(ctx, seen)
	}
	return seen, refused(bridge.CodeInternal, "nothing is known of %q", o.Kind)
}

func (s *Shop) sightProduct(ctx context.Context, seen bridge.Sighting) (bridge.Sighting, error) {
	var (
		found     whole[productRow]
		at        time.Time
		quantity  stocks
		installed languages
		settings  configuration
	)
	err := together(
		func() (err error) {
			found, at, err = rowAt[whole[productRow]](ctx, s.client, "products", seen.ID)
			return err
		},
		func() (err error) { quantity, err = s.stockRows(ctx, seen.ID); return err },
		s.settings.languages.into(ctx, &installed),
		s.settings.configuration.into(ctx, &settings),
	)
	if err != nil {
		return seen, err
	}
	view, err := found.fields.view(quantity, installed, settings.zone)
	if err != nil {
		return seen, err
	}
	saved(&seen, found.raw, settings.zone, at)
	return told(seen, view, found.raw, quantity)
}

func (s *Shop) sightOrder(ctx context.Context, seen bridge.Sighting, private bool) (bridge.Sighting, error) {
	var (
		found    whole[orderRow]
		at       time.Time
		past     []historyRow
		carrier  *schemas.OrderCarrier
		settings configuration
	)
	err := together(
		func() (err error) {
			found, at, err = rowAt[whole[orderRow]](ctx, s.client, "orders", seen.ID)
			return err
		},
		func() (err error) { past, err = s.history(ctx, seen.ID); return err },
		func() (err error) { carrier, err = s.orderCarrier(ctx, seen.ID); return err },
		s.settings.configuration.into(ctx, &settings),
	)
	if err != nil {
		return seen, err
	}
	view, known, err := s.orderView(ctx, found.fields, past, carrier, settings.zone)
	if err != nil {
		return seen, err
	}
	saved(&seen, found.raw, settings.zone, at)
	for _, h := range past {
		state, _ := known.state(int64(h.State))
		seen.Changes = append(seen.Changes, bridge.StatusChange{
			ID: int64(h.ID), Status: known.words[int64(h.State)], Paid: bool(state.Paid), Before: between(h.At, found.fields.UpdatedAt),
		})
	}
	if seen, err = told(seen, view, found.raw, past, carrier); err != nil || !private {
		return seen, err
	}
	view.Customer, err = s.customer(ctx, int64(found.fields.Customer))
	if errors.Is(err, bridge.ErrNoRight) {
		return seen, nil // what the key may not see is in nobody's body
	}
	if err != nil {
		return seen, err
	}
	seen.Private, err = json.Marshal(view)
	return seen, err
}

// customerColumns leave out the password hash of the full row (recording 315).
const customerColumns = "[id,firstname,lastname,email,deleted,date_add,date_upd]"

func (s *Shop) sightCustomer(ctx context.Context, seen bridge.Sighting) (bridge.Sighting, error) {
	out := call{method: http.MethodGet, resource: "customers", id: seen.ID}
	query := where("id", seen.ID)
	query.Set("display", customerColumns)
	found, err := rows[whole[customerRow]](ctx, s.client, out.resource, query)
	if err != nil {
		return seen, err
	}
	settings, err := s.settings.configuration.get(ctx)
	if err != nil {
		return seen, err
	}
	for _, c := range found {
		if int64(c.fields.ID) != seen.ID {
			continue
		}
		saved(&seen, c.raw, settings.zone, time.Time{})
		seen.Deleted = bool(c.fields.Deleted)
		return told(seen, c.fields.view(), c.raw)
	}
	return seen, missing(out)
}

// shopSettingNames are the shop's own settings that shop/update tells of.
var shopSettingNames = []string{"PS_SHOP_NAME", "PS_SHOP_EMAIL", "PS_TIMEZONE", "PS_LANG_DEFAULT", "PS_CURRENCY_DEFAULT"}

func (s *Shop) sightSettings(ctx context.Context, seen bridge.Sighting) (bridge.Sighting, error) {
	values, err := settingValues(ctx, s.client, shopSettingNames)
	if err != nil {
		return seen, err
	}
	if values["PS_SHOP_NAME"] == "" { // every shop has one; an empty list is no change of name
		return seen, unreached("The shop's settings cannot be read.", errors.New("no PS_SHOP_NAME in the answer"))
	}
	now := configuration{values: values}
	view := bridge.ShopSettings{Name: values["PS_SHOP_NAME"], Email: values["PS_SHOP_EMAIL"], Timezone: values["PS_TIMEZONE"]}
	installed, err := s.settings.languages.get(ctx)
	if err != nil {
		return seen, err
	}
	for _, l := range installed {
		if int64(l.ID) == now.number("PS_LANG_DEFAULT", 0) {
			view.Language = strings.ToLower(string(l.ISO))
		}
	}
	view.Currency, _, err = lookUp(ctx, &s.settings.currencies, pick(now.number("PS_CURRENCY_DEFAULT", 0)))
	if err != nil {
		return seen, err
	}
	return told(seen, view, values)
}

// whole is a row with all the shop showed of it.
type whole[T any] struct {
	fields T
	raw    map[string]json.RawMessage
}

// UnmarshalJSON reads the row both ways.
func (w *whole[T]) UnmarshalJSON(body []byte) error {
	if err := json.Unmarshal(body, &w.fields); err != nil {
		return err
	}
	return json.Unmarshal(body, &w.raw)
}

// restless are the columns that a save moves although it changes nothing.
var restless = []string{"date_upd", "indexed"}

// saved takes the times out of a row that the shop answered at that time, by
// its own clock; zero for unknown.
func saved(seen *bridge.Sighting, raw map[string]json.RawMessage, zone *time.Location, at time.Time) {
	var made, last text
	if json.Unmarshal(raw["date_upd"], &last) != nil || json.Unmarshal(raw["date_add"], &made) != nil {
		return // a row without times is compared by what it says
	}
	seen.Mark, seen.Recurs, seen.Age = string(last), recurs(last, zone), between(made, last)
	if zone != nil && !at.IsZero() {
		seen.Rest = between(last, text(at.In(zone).Format(shopTime)))
	}
}

// between is from one shop time to a later one as a wall clock counts it.
func between(first, last text) time.Duration {
	from, err := time.Parse(shopTime, string(first))
	to, errTo := time.Parse(shopTime, string(last))
	if err != nil || errTo != nil {
		return bridge.Unknown
	}
	return to.Sub(from)
}

// told completes a sighting with its body, and a digest of all that it rests on.
func told(seen bridge.Sighting, view any, rests ...any) (bridge.Sighting, error) {
	var err error
	if seen.Body, err = json.Marshal(view); err != nil {
		return seen, fmt.Errorf("the body of %s: %w", seen.Target(), err)
	}
	hash := sha256.New()
	for _, part := range rests {
		if raw, is := part.(map[string]json.RawMessage); is {
			for _, column := range restless {
				delete(raw, column)
			}
		}
		if err := json.NewEncoder(hash).Encode(part); err != nil {
			return seen, fmt.Errorf("the digest of %s: %w", seen.Target(), err)
		}
	}
	seen.Digest = hex.EncodeToString(hash.Sum(nil))
	return seen, nil
}
