package prestashop

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
)

// A window asks from before the earliest time that the shop's clock can have
// shown within it, also in the nights when clocks are set.
func TestEarliest(t *testing.T) {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	at := func(text string) time.Time {
		parsed, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	for name, c := range map[string]struct {
		from, to string
		zone     *time.Location
		want     string
	}{
		"winter":        {"2026-01-10T12:00:00Z", "2026-01-10T12:05:00Z", paris, "2026-01-10 12:59:59"},
		"summer":        {"2026-07-10T12:00:00Z", "2026-07-10T12:05:00Z", paris, "2026-07-10 13:59:59"},
		"set back":      {"2026-10-25T00:58:00Z", "2026-10-25T01:03:00Z", paris, "2026-10-25 01:57:59"},
		"set forward":   {"2026-03-29T00:58:00Z", "2026-03-29T01:03:00Z", paris, "2026-03-29 01:57:59"},
		"unknown zone":  {"2026-01-10T12:00:00Z", "2026-01-10T12:05:00Z", nil, "2026-01-09 23:59:59"},
		"over the year": {"2026-12-31T22:59:00Z", "2026-12-31T23:01:00Z", paris, "2026-12-31 23:58:59"},
	} {
		window := bridge.Window{From: at(c.from), To: at(c.to)}
		if got := earliest(window, c.zone); got != c.want {
			t.Errorf("%s: from %s, want %s", name, got, c.want)
		}
		if c.zone == nil {
			continue
		}
		for moment := window.From; !moment.After(window.To); moment = moment.Add(time.Second) {
			if shown := moment.In(c.zone).Format(shopTime); shown <= earliest(window, c.zone) {
				t.Fatalf("%s: a save at %s shows %s and is not in the window", name, moment, shown)
			}
		}
	}
	for mark, want := range map[text]bool{
		"2026-10-25 01:59:59": false, "2026-10-25 02:00:00": true, "2026-10-25 02:59:59": true, "2026-10-25 03:00:00": false,
		"2026-03-29 02:30:00": false, "2026-07-01 02:30:00": false, "0000-00-00 00:00:00": false, "": false,
	} {
		if recurs(mark, paris) != want || recurs(mark, nil) {
			t.Errorf("%q recurs: want %v", mark, want)
		}
	}
}

// A list that is not the one asked for is no list: it would be taken for the
// end of another, or read for ever.
func TestListsAreHeldToTheirQuestion(t *testing.T) {
	var body string
	header := http.Header{"Access-Time": {"1795334583"}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, values := range header {
			w.Header()[name] = values
		}
		if strings.HasSuffix(r.URL.Path, "/configurations") {
			fmt.Fprint(w, `{"configurations":[{"id":1,"name":"PS_TIMEZONE","value":"Europe/Paris"}]}`)
			return
		}
		fmt.Fprint(w, body)
	}))
	defer server.Close()
	shop, err := New(Options{URL: server.URL, Key: strings.Repeat("K", keyLength)})
	if err != nil {
		t.Fatal(err)
	}
	defer shop.Close()
	window := bridge.Window{From: time.Unix(1795334583, 0), To: time.Unix(1795334583, 0)} // 09:03:03 in Paris
	for answer, want := range map[string]int{
		`[]`: 0,
		`{"products":[{"id":6,"date_upd":"2026-11-22 09:03:03"},{"id":7,"date_upd":"2030-01-01 00:00:00"}]}`: 2,
		`{"products":[{"id":5,"date_upd":"2026-11-22 09:03:03"}]}`:                                           -1, // not after 5
		`{"products":[{"id":7,"date_upd":"2026-11-22 09:03:03"},{"id":6,"date_upd":"2026-11-22 09:03:03"}]}`: -1, // unsorted
		`{"products":[{"id":7,"date_upd":"2020-01-01 00:00:00"}]}`:                                           -1, // unfiltered
		`{"products":[{"id":7,"date_upd":"2026-11-2`:                                                         -1,
		`<html>`: -1,
		`{}`:     -1,
	} {
		body = answer
		rows, err := shop.Changed(t.Context(), bridge.KindProduct, window, 5)
		if (err != nil) != (want < 0) || err == nil && len(rows) != want {
			t.Errorf("%s gave %+v, %v", answer, rows, err)
		}
	}
	for answer, want := range map[string]int{
		`{"stock_availables":[{"id":1001,"id_product":7,"quantity":"-3"},{"id":2000,"id_product":8,"quantity":0}]}`: 2,
		`{"stock_availables":[{"id":1000,"id_product":7,"quantity":1}]}`:                                            -1,
		`{"stock_availables":[{"id":2001,"id_product":7,"quantity":1}]}`:                                            -1,
		`{"stock_availables":[{"id":1002},{"id":1002}]}`:                                                            -1,
	} {
		body = answer
		rows, err := shop.Page(t.Context(), bridge.ListStock, 1001, 2000)
		if (err != nil) != (want < 0) || err == nil && len(rows) != want || len(rows) == 2 && (rows[0] != bridge.Row{ID: 1001, Object: 7, Mark: "-3"}) {
			t.Errorf("%s gave %+v, %v", answer, rows, err)
		}
	}
	body = `[]`
	for want, set := range map[string]http.Header{
		"2026-11-22T08:03:03Z": {"Access-Time": {"1795334583"}},
		"2026-11-22T08:04:03Z": {"Date": {"Sun, 22 Nov 2026 08:04:03 GMT"}},
		"0001-01-01T00:00:00Z": {"Date": {"sometime"}},
	} {
		header = set
		at, err := shop.Clock(t.Context())
		if at.Format(time.RFC3339) != want || (err != nil) != at.IsZero() {
			t.Errorf("%v: %v, %v", set, at, err)
		}
	}
}

// A right that the key lacks can be told from every other refusal.
func TestNoRight(t *testing.T) {
	var code int
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintf(w, `{"errors":[{"code":%d,"message":"no"}]}`, code)
	}))
	defer server.Close()
	shop, err := New(Options{URL: server.URL, Key: strings.Repeat("K", keyLength)})
	if err != nil {
		t.Fatal(err)
	}
	defer shop.Close()
	for answered, want := range map[int]bool{codeNoResourceRight: true, 21: false} {
		code = answered
		_, err := shop.Last(t.Context(), bridge.ListProducts)
		if errors.Is(err, bridge.ErrNoRight) != want {
			t.Errorf("code %d: %v", answered, err)
		}
	}
}
