package durability

import (
	"fmt"
	"net/http"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/prestashop/sandbox"
)

// kind is a row of the table: a job whose interesting call is of one kind of
// step.
type kind struct {
	name      string
	operation string
	payload   func(w *world) string
	// method and resource are the call that changes the shop.
	method, resource string
	// effects of the job as the shop counts them: exactly these writes, and no
	// others, when the job succeeds.
	writes    int
	histories int
	images    int
	mails     int
	// wrong says what the shop looks like if not as the job wanted; "" for
	// right. It is asked when the job succeeded.
	wrong func(s *sandbox.Shop) string
}

// kinds are every kind of step the shop package has.
var kinds = []kind{
	{
		name: "price and seo", operation: bridge.OpUpdateProduct, method: http.MethodPatch, resource: "products", writes: 1,
		payload: fixed(`{"product_id":1,"updates":{"price_ht":12.5,"seo":{"en":{"meta_title":"New title"},"fr":{"link_rewrite":"nouveau"}}}}`),
		wrong: func(s *sandbox.Shop) string {
			p, _ := s.Product(1)
			return unlike("price, title, slug, name", fmt.Sprint(p.Price, " ", p.MetaTitle[1], " ", p.LinkRewrite[2], " ", p.Name[1]), "12.500000 New title nouveau A5 dotted notebook")
		},
	},
	{
		name: "stock difference", operation: bridge.OpUpdateProduct, method: http.MethodPatch, resource: "stock_availables", writes: 1,
		payload: fixed(`{"product_id":2,"updates":{"stock_delta":-3}}`),
		wrong:   stockIs(2, 77),
	},
	{
		name: "create", operation: bridge.OpImportProducts, method: http.MethodPost, resource: "products", writes: 1,
		payload: batch(`[{"reference":"NEW-1","name":{"en":"New thing"},"price_ht":5,"stock_quantity":0}]`),
		wrong: func(s *sandbox.Shop) string {
			return unlike("products with the reference", fmt.Sprint(len(s.FindProducts("NEW-1"))), "1")
		},
	},
	{
		name: "update", operation: bridge.OpImportProducts, method: http.MethodPatch, resource: "products", writes: 1,
		payload: batch(`[{"reference":"LUNE-PEN-01","name":{"en":"Renamed pen"},"price_ht":4.4,"stock_quantity":300}]`),
		wrong: func(s *sandbox.Shop) string {
			p, _ := s.Product(3)
			return unlike("price, names", fmt.Sprint(p.Price, " ", p.Name[1], " ", p.Name[2]), "4.400000 Renamed pen Stylo bille en laiton")
		},
	},
	{
		name: "import stock", operation: bridge.OpImportProducts, method: http.MethodPatch, resource: "stock_availables", writes: 1,
		payload: batch(`[{"reference":"LUNE-MUG-02","name":{"en":"Stoneware mug, sand"},"price_ht":11.9,"stock_quantity":50}]`),
		wrong:   stockIs(6, 50),
	},
	{
		name: "image", operation: bridge.OpImportProducts, method: http.MethodPost, resource: "images", writes: 1, images: 1,
		payload: func(w *world) string {
			return batch(fmt.Sprintf(`[{"reference":"LUNE-CARDS","name":{"en":"Set of 8 greeting cards"},"price_ht":8,"stock_quantity":200,"images_to_download":[%q]}]`, w.front.image(1)))(w)
		},
		wrong: func(s *sandbox.Shop) string {
			p, _ := s.Product(13)
			return unlike("images", fmt.Sprint(len(p.Images)), "1")
		},
	},
	{
		name: "tracking", operation: bridge.OpUpdateOrderStatus, method: http.MethodPatch, resource: "order_carriers", writes: 1,
		payload: fixed(`{"order_id":3,"new_status":"processing","tracking_number":"CR77"}`),
		wrong:   orderIs(3, 3, 0, "CR77"),
	},
	{
		name: "status without mail", operation: bridge.OpUpdateOrderStatus, method: http.MethodPost, resource: "order_histories", writes: 1, histories: 1,
		payload: fixed(`{"order_id":2,"new_status":"processing"}`),
		wrong:   orderIs(2, 3, 1, ""),
	},
	{
		name: "status with mail", operation: bridge.OpUpdateOrderStatus, method: http.MethodPost, resource: "order_histories", writes: 1, histories: 1, mails: 1,
		payload: fixed(`{"order_id":3,"new_status":"shipped","notify_customer":true}`),
		wrong:   orderIs(3, 4, 1, ""),
	},
}

func fixed(payload string) func(*world) string { return func(*world) string { return payload } }

// batch is an import whose batch_id is the world's own: cases share databases.
func batch(items string) func(*world) string {
	return func(w *world) string { return fmt.Sprintf(`{"batch_id":"batch-%s","items":%s}`, w.front.name, items) }
}

func unlike(what, got, want string) string {
	if got == want {
		return ""
	}
	return fmt.Sprintf("%s: %s, want %s", what, got, want)
}

func stockIs(product, want int) func(*sandbox.Shop) string {
	return func(s *sandbox.Shop) string {
		got, _ := s.Stock(product, 0)
		return unlike(fmt.Sprintf("stock of product %d", product), fmt.Sprint(got), fmt.Sprint(want))
	}
}

// orderIs looks at an order's state, how often its history has that state
// beyond what the demo shop starts with, and its tracking number.
func orderIs(order, state, times int, tracking string) func(*sandbox.Shop) string {
	return func(s *sandbox.Shop) string {
		o, _ := s.Order(order)
		rows := 0
		for _, h := range o.Histories {
			if h.State == state && h.Employee == 1 {
				rows++
			}
		}
		return unlike("state, rows, tracking", fmt.Sprint(o.State, rows, o.Shipments[0].Tracking), fmt.Sprint(state, times, tracking))
	}
}
