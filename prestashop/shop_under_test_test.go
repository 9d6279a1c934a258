package prestashop_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/prestashop-bridge/bridge/policies"
	"github.com/prestashop-bridge/bridge/prestashop"
	"github.com/prestashop-bridge/bridge/prestashop/sandbox"
)

const sandboxKey = "SANDBOXKEY0000000000000000000032"

// shopUnderTest is where the contract suite runs: the sandbox, or the real
// PrestaShop 9 that SHOP_URL and SHOP_KEY name. It must be a shop for tests:
// products are created in it and an order is moved.
type shopUnderTest struct {
	*prestashop.Shop
	url, key string
	images   string // base URL of a server of test images
}

func newShopUnderTest(t *testing.T) shopUnderTest {
	t.Helper()
	under := shopUnderTest{url: os.Getenv("SHOP_URL"), key: os.Getenv("SHOP_KEY")}
	if under.url == "" {
		_, under.url = startSandbox(t)
		under.key = sandboxKey
	}
	under.images = imageServer(t)
	under.Shop = connect(t, under.url, under.key, under.images, nil)
	return under
}

func startSandbox(t *testing.T) (*sandbox.Shop, string) {
	t.Helper()
	stand, err := sandbox.New(sandbox.Options{Key: sandboxKey})
	if err != nil {
		t.Fatal(err)
	}
	address, closeShop, err := stand.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(closeShop)
	return stand, address
}

func connect(t *testing.T, address, key, images string, change func(*prestashop.Options)) *prestashop.Shop {
	t.Helper()
	o := prestashop.Options{URL: address, Key: key, SaleLag: -1, Book: policies.Book{AllowedHosts: []string{strings.TrimPrefix(images, "http://")}}}
	o.Breaker.Failures = 1000 // these tests break things on purpose
	if change != nil {
		change(&o)
	}
	shop, err := prestashop.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(shop.Close)
	return shop
}

// imageServer serves /N.png, a small image of its own colour for each N.
func imageServer(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var n int
		if _, err := fmt.Sscanf(r.URL.Path, "/%d.png", &n); err != nil {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(testPNG(t, n))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func testPNG(t *testing.T, n int) []byte {
	picture := image.NewRGBA(image.Rect(0, 0, 12, 12))
	for i := range 144 {
		picture.Set(i%12, i/12, color.RGBA{R: uint8(n * 37), G: uint8(i), B: 90, A: 255})
	}
	var out bytes.Buffer
	if err := png.Encode(&out, picture); err != nil {
		t.Error(err)
	}
	return out.Bytes()
}

// ids lists a collection straight from the webservice, past the code under
// test.
func (s shopUnderTest) ids(t *testing.T, resource string) []int64 {
	t.Helper()
	var doc map[string][]struct {
		ID int64 `json:"id"`
	}
	body := s.webservice(t, http.MethodGet, resource+"?"+url.Values{"display": {"[id]"}, "limit": {"0,50"}, "output_format": {"JSON"}}.Encode(), "")
	if err := json.Unmarshal(body, &doc); err != nil {
		t.Fatalf("%s: %v in %.200s", resource, err, body)
	}
	var ids []int64
	for _, entry := range doc[resource] {
		ids = append(ids, entry.ID)
	}
	return ids
}

func (s shopUnderTest) webservice(t *testing.T, method, path, body string) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, strings.TrimSuffix(s.url, "/")+"/api/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(s.key, "")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode/100 != 2 {
		t.Fatalf("%s %s: %s, %v: %.300s", method, path, resp.Status, err, raw)
	}
	http.DefaultClient.CloseIdleConnections()
	return raw
}
