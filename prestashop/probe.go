package prestashop

import (
	"context"
	"encoding/xml"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Survey is what a shop says of itself to a key.
type Survey struct {
	Name    string
	Version string // of PrestaShop, such as 9.0.3
	// Date is the shop's clock in whole seconds, between Asked and Answered;
	// zero when the answer carries none.
	Date            time.Time
	Asked, Answered time.Time
	// Rights are the methods granted to the key, by resource.
	Rights map[string][]string
}

// Survey asks the webservice's root. It is no resource, hence not in the table
// of calls, and it is asked past the breaker: who surveys a shop wants to know
// how it is now. The root is readable in XML alone (recording 002).
func (s *Shop) Survey(ctx context.Context) (Survey, error) {
	out := call{method: http.MethodGet, resource: "/", xmlAnswer: true}
	found := Survey{Asked: time.Now()}
	a, err := s.client.attempt(ctx, out)
	found.Answered = time.Now()
	if err != nil {
		if gone := (outage{}); errors.As(err, &gone) {
			err = gone.error
		}
		return found, err
	}
	if found.Name, found.Rights, err = readRoot(a.body); err != nil {
		return found, unreadable(out, err)
	}
	found.Version = a.header.Get("PSWS-Version")
	found.Date, _ = http.ParseTime(a.header.Get("Date")) // zero is "none"
	return found, nil
}

// readRoot reads the shop's name and the granted methods:
// <api shopName="…"><products get="true" put="false" …>.
func readRoot(body []byte) (name string, rights map[string][]string, err error) {
	var doc struct {
		XMLName xml.Name `xml:"prestashop"`
		API     *struct {
			Name      string `xml:"shopName,attr"`
			Resources []struct {
				XMLName xml.Name
				Methods []xml.Attr `xml:",any,attr"`
			} `xml:",any"`
		} `xml:"api"`
	}
	if err := xml.Unmarshal(body, &doc); err != nil {
		return "", nil, err
	}
	if doc.API == nil {
		return "", nil, errors.New("no list of resources in the answer")
	}
	rights = map[string][]string{}
	for _, resource := range doc.API.Resources {
		granted := []string{}
		for _, method := range resource.Methods {
			if method.Value == "true" {
				granted = append(granted, strings.ToUpper(method.Name.Local))
			}
		}
		rights[resource.XMLName.Local] = granted
	}
	return doc.API.Name, rights, nil
}

// NeededRights are the methods the bridge uses, by resource: the table of
// calls that may leave, as an operator has to tick them.
func NeededRights() map[string][]string {
	needed := map[string][]string{}
	for method, resources := range allowedCalls {
		for _, path := range resources {
			resource, _, _ := strings.Cut(path, "/")
			needed[resource] = append(needed[resource], method)
		}
	}
	for _, methods := range needed {
		slices.Sort(methods)
	}
	return needed
}

// Languages lists the iso codes of the installed languages.
func (s *Shop) Languages(ctx context.Context) ([]string, error) {
	installed, err := s.settings.languages.get(ctx)
	return installed.codes(), err
}

// OrderStates counts the order states in use.
func (s *Shop) OrderStates(ctx context.Context) (int, error) {
	states, err := s.settings.orderStates.get(ctx)
	live := 0
	for _, state := range states {
		if !state.Deleted {
			live++
		}
	}
	return live, err
}

// StatusKey ties a canonical order status to the shop's setting that names its
// state.
type StatusKey struct {
	Word string
	Key  string // PS_OS_…
	// State is the id of the state; 0 when the shop has no such setting, or one
	// that names a state which is not there any more.
	State int64
}

// StatusKeys reads the shop's PS_OS_… settings.
func (s *Shop) StatusKeys(ctx context.Context) ([]StatusKey, error) {
	settings, err := s.settings.configuration.get(ctx)
	if err != nil {
		return nil, err
	}
	states, err := s.settings.orderStates.get(ctx)
	if err != nil {
		return nil, err
	}
	var keys []StatusKey
	for _, status := range statusKeys {
		found := StatusKey{Word: status.word, Key: status.key}
		id := settings.number(status.key, 0)
		if slices.ContainsFunc(states, func(r stateRow) bool { return int64(r.ID) == id && !bool(r.Deleted) }) {
			found.State = id
		}
		keys = append(keys, found)
	}
	return keys, nil
}

// Settings reads settings of the shop by name. Unlike the rest of this package
// it does not make do without the right to read them.
func (s *Shop) Settings(ctx context.Context, names ...string) (map[string]string, error) {
	query := anyOf("name", names)
	query.Set("display", "[name,value]")
	type entry struct {
		Name  text `json:"name"`
		Value text `json:"value"`
	}
	list, err := rows[entry](ctx, s.client, "configurations", query)
	found := map[string]string{}
	for _, e := range list {
		found[string(e.Name)] = string(e.Value)
	}
	return found, err
}
