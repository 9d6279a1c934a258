package prestashop

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/policies"
)

// call is one request to the webservice.
type call struct {
	method      string
	resource    string // "products", or "images/products"
	id          int64  // 0: the collection
	query       url.Values
	body        []byte
	contentType string
	xmlAnswer   bool // JSON is broken for images (recordings 433, 444)
}

// allowedCalls lists every call that may leave. There is no DELETE, because a
// deleted product breaks its orders (recording 463), and no PUT, because it
// empties whatever is absent and answers 200 (recording 173).
var allowedCalls = map[string][]string{
	http.MethodGet: {
		"carriers", "configurations", "currencies", "customers", "languages", "order_carriers", "order_details",
		"order_histories", "order_states", "orders", "products", "stock_availables", "tax_rule_groups",
	},
	http.MethodPatch: {"order_carriers", "products", "stock_availables"},
	http.MethodPost:  {"images/products", "order_histories", "products"},
}

// permitted refuses what is not in the table.
func (c call) permitted() error {
	if slices.Contains(allowedCalls[c.method], c.resource) {
		return nil
	}
	rule := policies.NoDirectAccess
	if c.method == http.MethodDelete {
		rule = policies.NoDeleteWithOrders
	}
	refusal := bridge.Fault(bridge.CodePolicyRefused, nil, "The bridge never sends %s %s to the shop.", c.method, c.resource)
	refusal.Rule = rule
	return refusal
}

// writes reports whether the call can change the shop.
func (c call) writes() bool { return c.method != http.MethodGet }

// target is the call's URL under the webservice's root. The id in the URL is
// for logs only: the shop obeys the one in the body (recording 107).
func (c call) target(root string) string {
	at := root + "/" + c.resource
	if c.id != 0 {
		at += "/" + strconv.FormatInt(c.id, 10)
	}
	query := url.Values{}
	for name, values := range c.query {
		query[name] = values
	}
	if !c.xmlAnswer {
		query.Set("output_format", "JSON")
	}
	if len(query) > 0 {
		at += "?" + query.Encode()
	}
	return at
}

// answer is a 2xx of the webservice.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// maxAnswerBytes bounds what is read of an answer. The largest are those to
// image uploads, which carry the stored image in base64 (recording 431).
const maxAnswerBytes = 32 << 20

// readAnswer reads a body to its end; one that is too long is as good as none.
func readAnswer(body io.Reader) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(body, maxAnswerBytes+1))
	if err == nil && len(raw) > maxAnswerBytes {
		err = errAnswerTooLong
	}
	return raw, err
}
