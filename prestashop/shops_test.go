package prestashop_test

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/prestashop"
	"github.com/prestashop-bridge/bridge/prestashop/sandbox"
	"github.com/prestashop-bridge/bridge/store"
)

const wrongKey = "WRONGWRONGWRONGWRONGWRONGWRONG00"

// street is a deployment with several shops and its operator.
type street struct {
	*testing.T
	shops    *prestashop.Shops
	operator *bridge.ShopRegistrar
	memories map[string]*notebook
}

func newStreet(t *testing.T, address string) street {
	t.Helper()
	db, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "bridge.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	sealer, err := auth.OpenSealer(filepath.Join(t.TempDir(), "secrets.key"))
	if err != nil {
		t.Fatal(err)
	}
	s := street{T: t, memories: map[string]*notebook{}}
	directory := bridge.ShopDirectory{Registry: db, Sealer: sealer}
	s.operator = &bridge.ShopRegistrar{Directory: directory, Accepts: func(bridge.ShopAccess) error { return nil }, Now: time.Now}
	o := prestashop.Options{URL: address, Key: sandboxKey, SaleLag: -1, Breaker: prestashop.Breaker{Failures: 2, Pause: time.Hour}}
	s.shops, err = prestashop.NewShops(o, func(shop string) prestashop.ImageMemory {
		s.memories[shop] = &notebook{}
		return s.memories[shop]
	}, directory)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.shops.Close)
	return s
}

func (s street) add(name, address, key string) {
	s.Helper()
	if err := s.operator.Add(s.Context(), "ada", "why", name, bridge.ShopAccess{URL: address, Key: key}); err != nil {
		s.Fatal(err)
	}
}

// stockAt reads the stock of product 1 in a shop.
func (s street) stockAt(name string) (int, error) {
	shop, err := s.shops.Shop(s.Context(), name)
	if err != nil {
		return 0, err
	}
	product, err := shop.Product(s.Context(), 1)
	return int(product.Stock.Quantity), err
}

// soon looks until something is so: within a second of use, says the promise.
func (s street) soon(what string, so func() bool) {
	s.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	late := time.After(5 * time.Second)
	for !so() {
		select {
		case <-tick.C:
		case <-late:
			s.Fatal("not in time: " + what)
		}
	}
}

func TestEachNameIsItsOwnShop(t *testing.T) {
	_, first := startSandbox(t)
	other, second := startSandbox(t)
	if err := other.SetStock(1, 0, 77); err != nil {
		t.Fatal(err)
	}
	s := newStreet(t, first)
	if several, err := s.shops.Several(t.Context()); several || err != nil {
		t.Errorf("several: %t, %v", several, err)
	}
	s.add("outlet", second, sandboxKey)
	s.soon("the new shop is known", func() bool {
		several, err := s.shops.Several(t.Context())
		return several && err == nil
	})
	for name, want := range map[string]int{"": 120, "outlet": 77} {
		if got, err := s.stockAt(name); got != want || err != nil {
			t.Errorf("%q: a stock of %d, %v; want %d", name, got, err, want)
		}
	}
	if _, err := s.stockAt("nowhere"); bridge.AsError(err).Code != bridge.CodeShopUnknown {
		t.Errorf("a shop that is not: %v", err)
	}
	if s.memories[""] == s.memories["outlet"] || s.memories["outlet"] == nil {
		t.Error("the shops share their memory of images")
	}
}

// TestARotatedKeyNeedsNoRestart, nor does a moved or a removed shop.
func TestARotatedKeyNeedsNoRestart(t *testing.T) {
	_, first := startSandbox(t)
	_, second := startSandbox(t)
	moved, third := startSandbox(t)
	if err := moved.SetStock(1, 0, 33); err != nil {
		t.Fatal(err)
	}
	s := newStreet(t, first)
	s.add("outlet", second, wrongKey)
	var fault *bridge.ShopError
	if _, err := s.stockAt("outlet"); !errors.As(err, &fault) || fault.Code != bridge.CodeShopRefused {
		t.Fatalf("with a wrong key: %v", err)
	}
	if err := s.operator.RotateKey(t.Context(), "ada", "why", "outlet", sandboxKey); err != nil {
		t.Fatal(err)
	}
	s.soon("the new key is used", func() bool { got, err := s.stockAt("outlet"); return got == 120 && err == nil })
	if err := s.operator.Set(t.Context(), "ada", "why", "outlet", &third, nil); err != nil {
		t.Fatal(err)
	}
	s.soon("the new address is used", func() bool { got, err := s.stockAt("outlet"); return got == 33 && err == nil })
	if err := s.operator.Remove(t.Context(), "ada", "why", "outlet"); err != nil {
		t.Fatal(err)
	}
	s.soon("the shop is gone", func() bool {
		_, err := s.stockAt("outlet")
		return bridge.AsError(err).Code == bridge.CodeShopUnknown
	})
	if _, open := s.shops.Breakers()["outlet"]; open {
		t.Error("the removed shop is still open")
	}
}

// TestAShopThatIsDownIsAloneInIt: its breaker opens, the others' do not.
func TestAShopThatIsDownIsAloneInIt(t *testing.T) {
	_, first := startSandbox(t)
	other, second := startSandbox(t)
	s := newStreet(t, first)
	s.add("outlet", second, sandboxKey)
	other.Inject(sandbox.Fault{Act: sandbox.Down()})
	for range 3 {
		if _, err := s.stockAt("outlet"); err == nil {
			t.Error("a shop that is down answered")
		}
	}
	if got, err := s.stockAt(""); got != 120 || err != nil {
		t.Errorf("the other shop: %d, %v", got, err)
	}
	if states := s.shops.Breakers(); states["outlet"] != "open" || states["default"] != "closed" {
		t.Errorf("breakers: %v", states)
	}
	if err := s.shops.Ping(t.Context()); err == nil || !strings.Contains(err.Error(), "shop outlet") || strings.Contains(err.Error(), "shop default") {
		t.Errorf("Ping: %v", err)
	}
}

// TestAReplacedShopKeepsNoConnection: the call that is under way when the key
// changes is not cut, and its connection closes with it.
func TestAReplacedShopKeepsNoConnection(t *testing.T) {
	_, first := startSandbox(t)
	stand, err := sandbox.New(sandbox.Options{Key: sandboxKey})
	if err != nil {
		t.Fatal(err)
	}
	var live atomic.Int64
	server := httptest.NewUnstartedServer(stand)
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			live.Add(1)
		case http.StateClosed, http.StateHijacked:
			live.Add(-1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	s := newStreet(t, first)
	s.add("outlet", server.URL, sandboxKey)
	came, release := make(chan struct{}, 1), make(chan struct{})
	stand.Inject(sandbox.Fault{Method: "GET", Resource: "products", Nth: 1, Act: sandbox.Slow(sandbox.Until(release)), Match: func(sandbox.Request) bool {
		select {
		case came <- struct{}{}:
		default:
		}
		return true
	}})
	answered := make(chan error, 1)
	go func() {
		_, err := s.stockAt("outlet")
		answered <- err
	}()
	<-came
	if err := s.operator.Set(t.Context(), "ada", "why", "outlet", nil, new(int64(3))); err != nil {
		t.Fatal(err)
	}
	before, err := s.shops.Shop(t.Context(), "outlet")
	if err != nil {
		t.Fatal(err)
	}
	s.soon("the shop is replaced", func() bool {
		now, err := s.shops.Shop(t.Context(), "outlet")
		return err == nil && now != before
	})
	close(release)
	if err := <-answered; err != nil {
		t.Errorf("the call under way was cut: %v", err)
	}
	s.soon("no connection is left", func() bool { return live.Load() == 0 })
}
