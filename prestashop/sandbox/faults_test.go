package sandbox

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestFaults strikes a price change with each action and looks at what the
// client sees and at what really happened.
func TestFaults(t *testing.T) {
	t.Parallel()
	const before, after = "9.900000", "12.500000"
	open := make(chan struct{})
	close(open)
	for _, c := range []struct {
		act    Action
		cut    bool
		status int
		price  string
		writes int
	}{
		{NotReached(), true, 0, before, 0},
		{ApplyThenCut(), true, 0, after, 1},
		{ApplyThenStatus(500), false, 500, after, 1},
		{ApplyThenDelay(Until(open)), false, 200, after, 1},
		{DelayThenApply(Until(open)), false, 200, after, 1},
		{Slow(For(time.Millisecond)), false, 200, after, 1},
		{Duplicate(), false, 200, after, 2},
		{Status(500), false, 500, before, 0},
		{Refuse(403, 132), false, 403, before, 0},
		{Garbage(), false, 200, before, 0},
		{ApplyThenTruncate(), false, 200, after, 1},
		{Down(), true, 0, before, 0},
	} {
		t.Run(c.act.String(), func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			shop := listen(t, s)
			remove := s.Inject(Fault{Method: "PATCH", Resource: "products", Act: c.act})
			got := shop.patchPrice(1, "12.50")
			if c.cut {
				wantCut(t, got)
			} else {
				wantStatus(t, got, c.status)
			}
			wantPrice(t, s, 1, c.price)
			if n := s.Effects().Count("PATCH", "products", 1); n != c.writes {
				t.Errorf("%d writes, want %d", n, c.writes)
			}
			remove()
			wantStatus(t, shop.patchPrice(1, "13.00"), http.StatusOK)
			log := s.Effects().Requests
			if log[0].Fault != c.act.String() || log[1].Fault != "" || log[0].Applied != c.writes || log[0].Status != c.status {
				t.Errorf("log %+v", log)
			}
		})
	}
}

func TestGarbageIsNoJSON(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	shop := listen(t, s)
	for _, act := range []Action{Garbage(), ApplyThenTruncate()} {
		remove := s.Inject(Fault{Act: act})
		got := shop.do("GET", "/api/products/1?output_format=JSON", "")
		wantStatus(t, got, http.StatusOK)
		if json.Valid([]byte(got.body)) {
			t.Errorf("%s: valid JSON %q", act, got.body)
		}
		remove()
	}
}

func TestNthAndMatch(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	shop := listen(t, s)
	s.Inject(Fault{Method: "PATCH", Nth: 2, Act: Status(500)})
	s.Inject(Fault{Match: func(r Request) bool { return strings.Contains(string(r.Body), "<id>3</id>") }, Act: Status(502)})
	for i, want := range []int{200, 500, 200} {
		if got := shop.patchPrice(1, "10.00"); got.status != want {
			t.Errorf("request %d: %d, want %d", i+1, got.status, want)
		}
	}
	wantStatus(t, shop.patchPrice(3, "1.00"), 502)
}

// TestLateApply: the client gives up, the write still comes.
func TestLateApply(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	shop := listen(t, s)
	release := make(chan struct{})
	s.Inject(Fault{Method: "POST", Resource: "order_histories", Act: DelayThenApply(Until(release))})
	ctx, giveUp := context.WithCancel(context.Background())
	body := "<prestashop><order_history><id_order>1</id_order><id_order_state>2</id_order_state></order_history></prestashop>"
	req, err := http.NewRequestWithContext(ctx, "POST", shop.base+"/api/order_histories", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan reply, 1)
	go func() { done <- shop.send(req) }()
	eventually(t, "the request has arrived", func() bool { return s.Effects().Received("POST", "order_histories") == 1 })
	giveUp()
	wantCut(t, <-done)
	if o, _ := s.Order(1); o.State != 1 {
		t.Fatalf("state %d before the release", o.State)
	}
	close(release)
	eventually(t, "the late write is applied", func() bool { o, _ := s.Order(1); return o.State == 2 })
	if n := s.Effects().Histories; n != 1 {
		t.Errorf("%d history rows, want 1", n)
	}
}

// TestLateAnswer: the write happens at once, its answer comes too late.
func TestLateAnswer(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	shop := listen(t, s)
	never := make(chan struct{})
	s.Inject(Fault{Method: "PATCH", Act: ApplyThenDelay(Until(never))})
	ctx, giveUp := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, "PATCH", shop.base+"/api/products/1",
		strings.NewReader("<prestashop><product><id>1</id><price>7</price></product></prestashop>"))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan reply, 1)
	go func() { done <- shop.send(req) }()
	eventually(t, "the write is applied", func() bool { p, _ := s.Product(1); return p.Price == "7.000000" })
	giveUp()
	wantCut(t, <-done)
}

func TestDownAndUp(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	shop := listen(t, s)
	up := s.Inject(Fault{Act: Down()})
	wantCut(t, shop.do("GET", "/api/", ""))
	wantCut(t, shop.do("GET", "/img/demo/1.png", ""))
	up()
	wantStatus(t, shop.do("GET", "/api/", ""), http.StatusOK)
	if n := len(s.Effects().Requests); n != 1 {
		t.Errorf("%d requests logged, want 1: nobody hears a knock on a closed door", n)
	}
}

// TestCloseEndsWaits: closing the shop does not wait for a fault to be released.
func TestCloseEndsWaits(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	base, closeShop, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	shop := &client{t: t, base: base, http: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
	s.Inject(Fault{Act: DelayThenApply(Until(make(chan struct{})))})
	done := make(chan reply, 1)
	go func() { done <- shop.patchPrice(1, "1") }()
	eventually(t, "the request has arrived", func() bool { return s.Effects().Received("PATCH", "products") == 1 })
	closeShop()
	closeShop()
	wantCut(t, <-done)
	wantPrice(t, s, 1, "9.900000")
}
