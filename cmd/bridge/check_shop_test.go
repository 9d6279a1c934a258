package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prestashop-bridge/bridge/prestashop"
	"github.com/prestashop-bridge/bridge/prestashop/sandbox"
)

// behind puts a proxy in front of the shop that changes its answers.
func (g ground) behind(change func(http.Header)) {
	target, err := url.Parse(g.env["PRESTASHOP_URL"])
	if err != nil {
		g.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ModifyResponse = func(answer *http.Response) error { change(answer.Header); return nil }
	front := httptest.NewServer(proxy)
	g.Cleanup(front.Close)
	g.env["PRESTASHOP_URL"] = front.URL
}

func TestShopsThatAreWrong(t *testing.T) {
	ahead := func(by time.Duration) func(ground) {
		return func(g ground) {
			g.behind(func(h http.Header) { h.Set("Date", time.Now().Add(by).UTC().Format(http.TimeFormat)) })
		}
	}
	without := func(method, resource string) func(ground) {
		return func(g ground) {
			rights := prestashop.NeededRights()
			rights[resource] = slices.DeleteFunc(rights[resource], func(m string) bool { return m == method })
			if len(rights[resource]) == 0 {
				delete(rights, resource)
			}
			g.grant(rights)
		}
	}
	for _, c := range []struct {
		name   string
		change func(g ground)
		check  string
		state  state
		want   string
		fix    string
	}{
		{"another key", func(g ground) { g.env["PRESTASHOP_WS_KEY"] = strings.Repeat("x", 32) }, "shop", failed, "refuses the webservice key", "PRESTASHOP_WS_KEY"},
		{"no shop", func(g ground) { g.shop.Inject(sandbox.Fault{Act: sandbox.Down()}) }, "shop", failed, "cannot be reached", "PRESTASHOP_URL"},
		{"switched off", func(g ground) { g.shop.SetWebservice(false) }, "shop", failed, "switched off", "Switch the webservice on"},
		{"another page", func(g ground) { g.shop.Inject(sandbox.Fault{Act: sandbox.Garbage()}) }, "shop", failed, "cannot be read", "PRESTASHOP_URL"},
		{"another domain", func(g ground) { g.shop.SetDomain("shop.example.com") }, "shop", failed, "redirect", "PRESTASHOP_URL"},
		{"a clock a little ahead", ahead(12 * time.Second), "shop clock", warned, "shop +1", "NTP"},
		{"a clock far behind", ahead(-time.Minute), "shop clock", failed, "shop -", "NTP"},
		{"an old shop", func(g ground) { g.behind(func(h http.Header) { h["Psws-Version"] = []string{"1.7.8.11"} }) }, "shop-version", failed, "1.7.8.11", "PrestaShop 8"},
		{"a shop of no version", func(g ground) { g.behind(func(h http.Header) { h.Del("PSWS-Version") }) }, "shop-version", failed, `""`, "PrestaShop 8"},
		{"a right is missing", without("PATCH", "products"), "shop-rights", failed, "missing: PATCH products", "Grant the key in the back office (Advanced Parameters, Webservice): PATCH products."},
		{"the right to upload is missing", without("POST", "images"), "shop-rights", failed, "POST images", "POST images"},
		{"every right", func(g ground) { g.shop.AddKey(sandbox.FullKey(sandboxKey)) }, "shop-rights", warned, "beyond need: DELETE products, DELETE orders, ", "deletions first"},
		{"customers nobody may see", without("GET", "customers"), "shop-rights", passed, "", ""},
		{"customers somebody may see", func(g ground) {
			g.env["OAUTH_CLIENT_SCOPES"] = "bridge:read bridge:pii"
			without("GET", "customers")(g)
		}, "shop-rights", failed, "GET customers", "GET customers"},
		{"languages cannot be read", without("GET", "languages"), "shop-languages", failed, "GET languages", "GET on languages"},
		{"order states cannot be read", without("GET", "order_states"), "order-states", failed, "GET order_states", "GET on order_states"},
		{"settings cannot be read", without("GET", "configurations"), "status-keys", failed, "no PS_OS_* setting", "GET on configurations"},
		{"a state is gone", func(g ground) { g.set("PS_OS_SHIPPING", "999") }, "status-keys", failed, "PS_OS_SHIPPING", "Restore"},
		{"a payment module is not there", func(g ground) { g.set("PS_OS_COD_VALIDATION", "0") }, "status-keys", passed, "PS_OS_COD_VALIDATION", ""},
		{"the search does not follow", func(g ground) { g.set("PS_SEARCH_INDEXATION", "0") }, "search-index", warned, "off", "rebuild the index"},
		{"the search cannot be asked", without("GET", "configurations"), "search-index", skipped, "PS_SEARCH_INDEXATION", ""},
		{"several stores", func(g ground) { g.set("PS_MULTISHOP_FEATURE_ACTIVE", "1") }, "multistore", warned, "several stores", "PRESTASHOP_URL"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newGround(t)
			c.change(g)
			g.expect(c.check, c.state, c.want, c.fix)
		})
	}
}

// set changes a setting of the shop, as its back office does.
func (g ground) set(name, value string) {
	g.Helper()
	const master = "MASTERMASTERMASTERMASTERMASTER01"
	g.shop.AddKey(sandbox.FullKey(master))
	send := func(method, path, body string) string {
		request, err := http.NewRequestWithContext(g.Context(), method, g.env["PRESTASHOP_URL"]+path, strings.NewReader(body))
		if err != nil {
			g.Fatal(err)
		}
		request.SetBasicAuth(master, "")
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			g.Fatal(err)
		}
		defer answer.Body.Close()
		raw, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != http.StatusOK {
			g.Fatalf("%d, %v: %s", answer.StatusCode, err, raw)
		}
		return string(raw)
	}
	found := regexp.MustCompile(`configuration id="(\d+)"`).FindStringSubmatch(send("GET", "/api/configurations?filter[name]="+name, ""))
	if found == nil {
		g.Fatalf("the shop has no setting %s", name)
	}
	send("PATCH", "/api/configurations/"+found[1], fmt.Sprintf("<prestashop><configuration><id>%s</id><value>%s</value></configuration></prestashop>", found[1], value))
}

func TestWriteTestsThatFail(t *testing.T) {
	on := func(product int64) func(*site) { return func(s *site) { s.writeTest = product } }
	t.Run("not asked for", func(t *testing.T) { newGround(t).expect("write-test", skipped, "--write-test", "") })
	t.Run("an unknown product", func(t *testing.T) {
		newGround(t).expect("write-test", failed, "stock of product 99999 cannot be read", "without combinations", on(99999))
	})
	t.Run("a product with combinations", func(t *testing.T) {
		newGround(t).expect("write-test", failed, "combination", "Nothing was changed", on(sandbox.DemoVariantProduct))
	})
	t.Run("the right to change stock is missing", func(t *testing.T) {
		g := newGround(t)
		rights := prestashop.NeededRights()
		rights["stock_availables"] = []string{"GET"}
		g.grant(rights)
		g.expect("write-test", failed, "no right to PATCH stock_availables", "bridge jobs show", on(1))
		if got := stockOf(t, g.shop, 1); got != 120 {
			t.Errorf("a stock of %d was left", got)
		}
	})
	t.Run("the way back fails", func(t *testing.T) {
		g := newGround(t)
		g.shop.Inject(sandbox.Fault{Method: "PATCH", Resource: "stock_availables", Nth: 2, Act: sandbox.Refuse(400, 85)})
		g.expect("write-test", failed, "by -1, job ", "one too high", on(1))
	})
	t.Run("the shop cannot be read afterwards", func(t *testing.T) {
		g := newGround(t)
		g.shop.Inject(sandbox.Fault{Method: "GET", Resource: "products", Match: g.afterFirstChange(), Act: sandbox.Status(500)})
		g.expect("write-test", failed, "shows a stock of 120, 121, unreadable", "bridge jobs show", on(1))
	})
	if status, _, faults := newGround(t).run("check", "--write-test", "-1"); status != 1 || !strings.Contains(faults, "id of a product") {
		t.Errorf("exit %d, %s", status, faults)
	}
}

// afterFirstChange matches the read-back that follows both changes.
func (g ground) afterFirstChange() func(sandbox.Request) bool {
	return func(sandbox.Request) bool { return g.shop.Effects().Count("PATCH", "stock_availables", 0) >= 2 }
}
