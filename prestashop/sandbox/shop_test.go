package sandbox

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNewRefusesBadKeys(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"", "short", testKey + "x"} {
		if _, err := New(Options{Key: key}); err == nil {
			t.Errorf("key %q was taken", key)
		}
	}
}

// TestDemoCatalogue holds the demo to what it promises in docs/sandbox.md.
func TestDemoCatalogue(t *testing.T) {
	t.Parallel()
	c := DemoCatalogue()
	var pictured, inactive, varied int
	for _, p := range c.Products {
		if p.Pictures > 0 {
			pictured++
		}
		if p.Inactive {
			inactive++
		}
		if len(p.Variants) > 0 {
			varied++
			if p.ID != DemoVariantProduct {
				t.Errorf("product %d has variants", p.ID)
			}
		}
		if p.Name[1] == "" || p.Name[2] == "" || p.Name[1] == p.Name[2] {
			t.Errorf("product %d: names %v", p.ID, p.Name)
		}
	}
	if len(c.Products) < 15 || pictured < 10 || inactive != 1 || varied != 1 || len(c.Orders) != 6 {
		t.Errorf("%d products, %d with pictures, %d inactive, %d with variants, %d orders",
			len(c.Products), pictured, inactive, varied, len(c.Orders))
	}
	s := newShop(t)
	if q, ok := s.Stock(1, 0); !ok || q == 0 || c.Products[0].ID != 1 || len(c.Products[0].Variants) > 0 {
		t.Errorf("product 1 should be simple and in stock, has %d", q)
	}
	if q, _ := s.Stock(DemoVariantProduct, 0); q != 12+20+9 {
		t.Errorf("stock of the product with variants is %d, not their sum", q)
	}
}

func TestBadCatalogue(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*Catalogue){
		"product without price": func(c *Catalogue) { c.Products[0].Price = "" },
		"order of nothing":      func(c *Catalogue) { c.Orders[0].Rows = []OrderedItem{{Product: 999, Quantity: 1}} },
		"order without state":   func(c *Catalogue) { c.Orders[0].States = nil },
	} {
		c := DemoCatalogue()
		spoil(c)
		if _, err := New(Options{Key: testKey, Catalogue: c}); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestEmptyShop(t *testing.T) {
	t.Parallel()
	shop := listen(t, newShop(t, func(o *Options) { o.Empty = true }))
	for _, resource := range []string{"products", "orders", "stock_availables"} {
		got := shop.do("GET", "/api/"+resource+"?display=full&output_format=JSON", "")
		if wantStatus(t, got, http.StatusOK); got.body != "[]" {
			t.Errorf("%s: %s", resource, got.body)
		}
	}
	got := shop.do("GET", "/api/configurations?filter[name]=[PS_OS_SHIPPING|PS_OS_DELIVERED]&display=[name,value]&output_format=JSON", "")
	want := `{"configurations":[{"value":"5","name":"PS_OS_DELIVERED"},{"value":"4","name":"PS_OS_SHIPPING"}]}`
	if got.body != want {
		t.Errorf("configurations %s, want %s", got.body, want)
	}
}

func TestRestrictedKey(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	const narrow = "NARROWKEY00000000000000000000001"
	s.AddKey(Key{Value: narrow, Rights: Rights{"products": {"GET"}}})
	s.AddKey(Key{Value: strings.Repeat("d", 32), Rights: Rights{"products": {"GET"}}, Disabled: true})
	shop := listen(t, s)
	for _, c := range []struct {
		key, method, path string
		status            int
		want              string
	}{
		{narrow, "GET", "/api/products/1", 200, "<product>"},
		{narrow, "PATCH", "/api/products/1", 405, "<code><![CDATA[25]]></code>"},
		{narrow, "GET", "/api/orders", 401, "<code><![CDATA[26]]></code>"},
		{narrow, "GET", "/api/", 200, `<products xlink:href=`},
		{strings.Repeat("d", 32), "GET", "/api/products", 401, "<code><![CDATA[20]]></code>"},
	} {
		req, err := http.NewRequest(c.method, shop.base+c.path+"?ws_key="+c.key, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := shop.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if _, err := copyAll(&b, res); err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != c.status || !strings.Contains(b.String(), c.want) {
			t.Errorf("%s %s: %d %.200s", c.method, c.path, res.StatusCode, b.String())
		}
	}
}

func TestSwitches(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	shop := listen(t, s)
	s.SetWebservice(false)
	wantStatus(t, shop.do("GET", "/api/products", ""), http.StatusServiceUnavailable)
	s.SetWebservice(true)
	s.SetDomain("shop.example")
	wantStatus(t, shop.do("GET", "/api/products", ""), http.StatusFound)
	s.SetDomain("")
	s.SetMailServer(false)
	got := shop.postHistory(1, 2)
	wantStatus(t, got, http.StatusInternalServerError)
	o, _ := s.Order(1)
	if o.State != 2 || len(o.Histories) != 2 || len(s.Mails()) != 0 {
		t.Errorf("after a failed mail: %+v, mails %v", o, s.Mails())
	}
}

func TestMailsAndPayment(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	shop := listen(t, s)
	wantStatus(t, shop.postHistory(1, 2), http.StatusCreated)
	wantStatus(t, shop.postHistory(1, 5), http.StatusCreated) // Delivered has no mail
	want := []Mail{{OrderID: 1, Template: "payment", To: "camille.moreau@example.com"}}
	if diff := cmp.Diff(want, s.Mails()); diff != "" {
		t.Error(diff)
	}
	if o, _ := s.Order(1); o.PaidReal != "34.800000" {
		t.Errorf("paid %s", o.PaidReal)
	}
	shipment := func(url, id, number string) {
		wantStatus(t, shop.do("PATCH", "/api/order_carriers/"+id+url,
			"<p><order_carrier><id>"+id+"</id><tracking_number>"+number+"</tracking_number></order_carrier></p>"), http.StatusOK)
	}
	shipment("", "1", "A1")
	shipment("?sendemail=1", "1", "A1")
	shipment("?sendemail=1", "1", "A1")
	shipment("?sendemail=1", "5", "B1") // its carrier has no tracking address
	if n := len(s.Mails()); n != 3 {
		t.Errorf("%d mails, want the payment and two in transit", n)
	}
	if o, _ := s.Order(1); o.Shipments[0].Tracking != "A1" {
		t.Errorf("shipments %+v", o.Shipments)
	}
}

func TestImages(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	shop := listen(t, s)
	for _, c := range []struct {
		name, declared string
		data           []byte
		status         int
		want           string
	}{
		{"a.png", "image/png", samplePicture("image/png"), 200, "<id><![CDATA[17]]></id>"},
		{"a.jpg", "image/jpeg", samplePicture("image/jpeg"), 200, "<id_product><![CDATA[13]]></id_product>"},
		{"a.bin", "application/octet-stream", samplePicture("image/jpeg"), 400, "not recognized"},
		{"a.jpg", "application/octet-stream", samplePicture("image/jpeg"), 400, "not recognized"},
		{"a.jpg", "image/jpeg", append(samplePicture("image/jpeg"), make([]byte, 3_000_000)...), 400, "<code><![CDATA[72]]></code>"},
		{"a.png", "image/png", []byte("\x89PNG\r\n\x1a\nbroken"), 400, "copying image"},
	} {
		got := shop.upload(13, c.name, c.declared, c.data)
		if wantStatus(t, got, c.status); !strings.Contains(got.body, c.want) {
			t.Errorf("%s %s: %.300s", c.name, c.declared, got.body)
		}
	}
	p, _ := s.Product(13)
	if len(p.Images) != 3 || p.Cover != p.Images[0] || s.Effects().Images != 2 {
		t.Errorf("images %v, cover %d, stored %d", p.Images, p.Cover, s.Effects().Images)
	}
	wantStatus(t, shop.do("DELETE", "/api/images/products/13/17", ""), http.StatusInternalServerError)
	wantStatus(t, shop.do("GET", "/api/images/products/13/17", ""), http.StatusBadRequest)
}

func TestStaticPictures(t *testing.T) {
	t.Parallel()
	shop := listen(t, newShop(t))
	got := shop.do("GET", "/img/demo/3.png", "")
	if wantStatus(t, got, http.StatusOK); http.DetectContentType([]byte(got.body)) != "image/png" {
		t.Error("not a PNG")
	}
	wantStatus(t, shop.do("GET", "/img/demo/999.png", ""), http.StatusNotFound)
	wantStatus(t, shop.do("GET", "/", ""), http.StatusOK)
}

func TestLargeBodies(t *testing.T) {
	t.Parallel()
	shop := listen(t, newShop(t))
	got := shop.do("PATCH", "/api/products/1", strings.Repeat("x", largestBody+1))
	// The shop may close the connection while the client is still sending.
	if got.err == nil && got.status != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d", got.status)
	}
}

func TestSomebodyElse(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	shop := listen(t, s)
	detail, err := s.Sell(DemoVariantProduct, 2, 3)
	if err != nil {
		t.Fatal(err)
	}
	if q, _ := s.Stock(DemoVariantProduct, 2); q != 17 {
		t.Errorf("stock after the sale is %d", q)
	}
	got := shop.do("GET", "/api/order_details?filter[product_id]=[8]&filter[id]=>[9]&display=[id,product_attribute_id,product_quantity]&output_format=JSON", "")
	var answer struct {
		Rows []struct {
			ID        int `json:"id"`
			Attribute int `json:"product_attribute_id"`
			Quantity  int `json:"product_quantity"`
		} `json:"order_details"`
	}
	if err := json.Unmarshal([]byte(got.body), &answer); err != nil || len(answer.Rows) != 1 ||
		answer.Rows[0].ID != detail || answer.Rows[0].Attribute != 2 || answer.Rows[0].Quantity != 3 {
		t.Errorf("details %s (%v)", got.body, err)
	}
	if err := s.SetStock(DemoVariantProduct, 2, 50); err != nil {
		t.Fatal(err)
	}
	if q, _ := s.Stock(DemoVariantProduct, 0); q != 12+50+9 {
		t.Errorf("sum %d", q)
	}
	price, off := "8.00", false
	if err := s.EditProduct(1, ProductEdit{Price: &price, Active: &off, Name: Texts{2: "Carnet"}}); err != nil {
		t.Fatal(err)
	}
	p, _ := s.Product(1)
	if p.Price != "8.000000" || p.Active || p.Name[1] != "A5 dotted notebook" || p.Name[2] != "Carnet" {
		t.Errorf("%+v", p)
	}
	id, err := s.AddHistory(1, 4, 7)
	if err != nil {
		t.Fatal(err)
	}
	o, _ := s.Order(1)
	if last := o.Histories[len(o.Histories)-1]; last != (History{ID: id, State: 4, Employee: 7}) || o.State != 4 {
		t.Errorf("%+v", o)
	}
	renamed := "RENAMED"
	if err := s.EditProduct(1, ProductEdit{Reference: &renamed}); err != nil || len(s.FindProducts(renamed)) != 1 {
		t.Errorf("%v; found under the new reference: %v", err, s.FindProducts(renamed))
	}
	for _, err := range []error{s.SetStock(999, 0, 1), s.EditProduct(999, ProductEdit{})} {
		if err == nil {
			t.Error("an unknown product was taken")
		}
	}
	if _, err := s.AddHistory(1, 999, 0); err == nil {
		t.Error("an unknown state was taken")
	}
	e := s.Effects()
	if len(e.Writes) != 0 || e.Histories != 0 || len(e.Mails) != 0 {
		t.Errorf("the back office was counted: %+v", e)
	}
}

// TestSearchIndexSwitch: the one setting an operator changes around a batch.
func TestSearchIndexSwitch(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	shop := listen(t, s)
	body := func(id string) string { return "<p><product><id>" + id + "</id><indexed>0</indexed></product></p>" }
	indexed := func(id string) bool {
		return strings.Contains(shop.do("GET", "/api/products/"+id+"?display=[indexed]&output_format=JSON", "").body, `"indexed":"1"`)
	}
	wantStatus(t, shop.do("PATCH", "/api/products/1", body("1")), http.StatusOK)
	var list struct {
		Configurations []struct {
			ID int `json:"id"`
		} `json:"configurations"`
	}
	got := shop.do("GET", "/api/configurations?filter[name]=PS_SEARCH_INDEXATION&display=[id]&output_format=JSON", "")
	if err := json.Unmarshal([]byte(got.body), &list); err != nil || len(list.Configurations) != 1 {
		t.Fatalf("%s: %v", got.body, err)
	}
	id := str(list.Configurations[0].ID)
	wantStatus(t, shop.do("PATCH", "/api/configurations/"+id, "<p><configuration><id>"+id+"</id><value>0</value></configuration></p>"), http.StatusOK)
	wantStatus(t, shop.do("PATCH", "/api/products/2", body("2")), http.StatusOK)
	if !indexed("1") || indexed("2") {
		t.Errorf("indexed: product 1 %t, product 2 %t; want true and false", indexed("1"), indexed("2"))
	}
}

func TestOrdersNeedACart(t *testing.T) {
	t.Parallel()
	shop := listen(t, newShop(t))
	got := shop.do("POST", "/api/orders", "<p><order><id_cart>1</id_cart></order></p>")
	if wantStatus(t, got, http.StatusBadRequest); !strings.Contains(got.body, `parameter "id_address_delivery" required`) {
		t.Error(got.body)
	}
}
