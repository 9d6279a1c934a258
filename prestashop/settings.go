package prestashop

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
)

// settings are the lists of the shop that rarely change.
type settings struct {
	languages     cached[languages]
	configuration cached[configuration]
	orderStates   cached[[]stateRow]
	currencies    cached[map[int64]string] // ISO 4217 by id
	carriers      cached[map[int64]string] // name by id
	taxGroup      cached[int64]            // of new products
}

// configurationNames are the shop settings that are read, besides the
// PS_OS_… keys of statusKeys.
var configurationNames = []string{
	"PS_TIMEZONE", "PS_LANG_DEFAULT", "PS_HOME_CATEGORY", "PS_LIMIT_UPLOAD_IMAGE_VALUE",
}

func newSettings(c *client) *settings {
	s := &settings{}
	s.languages.load = func(ctx context.Context) (languages, error) {
		list, err := rows[language](ctx, c, "languages", url.Values{})
		slices.SortFunc(list, func(a, b language) int { return cmp.Compare(a.ID, b.ID) })
		return list, err
	}
	s.configuration.load = func(ctx context.Context) (configuration, error) { return readConfiguration(ctx, c) }
	s.orderStates.load = func(ctx context.Context) ([]stateRow, error) {
		return rows[stateRow](ctx, c, "order_states", url.Values{})
	}
	s.currencies.load = func(ctx context.Context) (map[int64]string, error) {
		return names(ctx, c, "currencies", "iso_code")
	}
	s.carriers.load = func(ctx context.Context) (map[int64]string, error) { return names(ctx, c, "carriers", "name") }
	s.taxGroup.load = func(ctx context.Context) (int64, error) { return firstTaxGroup(ctx, c) }
	return s
}

// configuration is the shop's settings, as far as the key may read them.
type configuration struct {
	values map[string]string
	zone   *time.Location // nil when it cannot be known
}

// readConfiguration reads the settings by name. A key without the right to
// configurations is answered with nothing; whoever needs a value has a
// fallback.
func readConfiguration(ctx context.Context, c *client) (configuration, error) {
	wanted := slices.Clone(configurationNames)
	for _, status := range statusKeys {
		wanted = append(wanted, status.key)
	}
	values, err := settingValues(ctx, c, wanted)
	if err != nil && !isRefusal(err) {
		return configuration{}, err
	}
	found := configuration{values: values}
	if name := found.values["PS_TIMEZONE"]; name != "" {
		// A zone this host does not know is as unknown as none.
		found.zone, _ = time.LoadLocation(name)
	}
	return found, nil
}

// settingValues reads the shop's settings of these names.
func settingValues(ctx context.Context, c *client, names []string) (map[string]string, error) {
	query := anyOf("name", names)
	query.Set("display", "[id,name,value]")
	type entry struct {
		Name  text `json:"name"`
		Value text `json:"value"`
	}
	list, err := rows[entry](ctx, c, "configurations", query)
	values := make(map[string]string, len(list))
	for _, e := range list {
		values[string(e.Name)] = string(e.Value)
	}
	return values, err
}

// number gives a whole-number setting, or fallback.
func (c configuration) number(name string, fallback int64) int64 {
	parsed, err := strconv.ParseInt(c.values[name], 10, 64)
	if err != nil || parsed <= 0 {
		return fallback
	}
	return parsed
}

// names reads one column of a collection, by id. Deleted rows are kept: old
// orders point at them.
func names(ctx context.Context, c *client, resource, column string) (map[int64]string, error) {
	list, err := rows[map[string]nameCell](ctx, c, resource, url.Values{"display": {"[id," + column + "]"}})
	if err != nil {
		return nil, err
	}
	byID := make(map[int64]string, len(list))
	for _, cells := range list {
		id, _ := strconv.ParseInt(cells["id"].text(), 10, 64)
		byID[id] = cells[column].text()
	}
	return byID, nil
}

// nameCell is an id or a name, which a shop may localize.
type nameCell struct{ localized }

func (c nameCell) text() string {
	for _, id := range slices.Sorted(maps.Keys(c.localized)) {
		if c.localized[id] != "" {
			return c.localized[id]
		}
	}
	return ""
}

// isRefusal reports whether the shop understood and said no.
func isRefusal(err error) bool {
	fault := (*bridge.ShopError)(nil)
	return errors.As(err, &fault) && (fault.Fault == bridge.Refused || fault.Fault == bridge.NotFound)
}

// language is an installed language, active or not: the shop wants a text for
// each of them.
type language struct {
	ID     number `json:"id"`
	ISO    text   `json:"iso_code"`
	Active flag   `json:"active"`
}

type languages []language

// id finds a language by its iso code.
func (l languages) id(iso string) (int64, bool) {
	for _, known := range l {
		if strings.EqualFold(string(known.ISO), iso) {
			return int64(known.ID), true
		}
	}
	return 0, false
}

// codes lists the iso codes.
func (l languages) codes() []string {
	codes := make([]string, len(l))
	for i, known := range l {
		codes[i] = strings.ToLower(string(known.ISO))
	}
	return codes
}

// byCode spells a localized value by iso code; every installed language is
// there.
func (l languages) byCode(values localized) map[string]string {
	texts := make(map[string]string, len(l))
	for _, known := range l {
		texts[strings.ToLower(string(known.ISO))] = values.in(int64(known.ID))
	}
	return texts
}

// preferred orders the languages for choosing one text: the shop's default
// first, then English, then by id.
func (l languages) preferred(defaultID int64) languages {
	rank := func(known language) int {
		switch {
		case int64(known.ID) == defaultID:
			return 0
		case strings.EqualFold(string(known.ISO), "en"):
			return 1
		}
		return 2
	}
	ordered := slices.Clone(l)
	slices.SortStableFunc(ordered, func(a, b language) int { return cmp.Compare(rank(a), rank(b)) })
	return ordered
}

// preferredLanguages reads the languages in the order of preference.
func (s *settings) preferredLanguages(ctx context.Context) (languages, error) {
	installed, err := s.languages.get(ctx)
	if err != nil {
		return nil, err
	}
	settings, err := s.configuration.get(ctx)
	return installed.preferred(settings.number("PS_LANG_DEFAULT", 0)), err
}
