package schemas_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/prestashop-bridge/bridge/schemas"
)

// TestPublishedBodies validates the six published requests. A GET has no body;
// its argument stands in the path.
func TestPublishedBodies(t *testing.T) {
	raw, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var published struct {
		Bridge struct {
			Vectors []struct{ URI, Body string }
		} `json:"bridge_hmac"`
	}
	if err := json.Unmarshal(raw, &published); err != nil {
		t.Fatal(err)
	}
	if got := len(published.Bridge.Vectors); got != 6 {
		t.Fatalf("got %d published requests, want 6", got)
	}
	operations := map[string]string{
		"/v1/products/":            "get_product",
		"/v1/orders/":              "get_order",
		"/v1/jobs/":                "get_job_status",
		"/v1/jobs/products/update": "update_product",
		"/v1/jobs/products/import": "import_products",
		"/v1/jobs/orders/status":   "update_order_status",
	}
	arguments := map[string]string{"get_product": `{"product_id":%s}`, "get_order": `{"order_id":%s}`, "get_job_status": `{"job_id":%q}`}
	for _, request := range published.Bridge.Vectors {
		operation, prefix := "", ""
		for candidate, name := range operations {
			if strings.HasPrefix(request.URI, candidate) && len(candidate) > len(prefix) {
				operation, prefix = name, candidate
			}
		}
		body := request.Body
		if form, get := arguments[operation]; get {
			body = fmt.Sprintf(form, strings.TrimPrefix(request.URI, prefix))
		}
		if faults := schemas.Input(operation).Validate(parse(t, body)); faults != nil {
			t.Errorf("%s: %v", request.URI, faults)
		}
	}
}

const (
	item  = `{"reference":"NEW-001","name":{"fr":"Nouveau"},"price_ht":10.0,"stock_quantity":1}`
	batch = `{"batch_id":"b-1","items":[%s]}`
)

func updates(members string) string { return `{"product_id":1,"updates":{` + members + `}}` }

func seo(entry string) string { return updates(`"seo":{"en":{` + entry + `}}`) }

func items(list ...string) string { return fmt.Sprintf(batch, strings.Join(list, ",")) }

// altered is the good item with one member replaced or added.
func altered(member, value string) string {
	var parts map[string]json.RawMessage
	_ = json.Unmarshal([]byte(item), &parts)
	parts[member] = json.RawMessage(value)
	text, _ := json.Marshal(parts)
	return items(string(text))
}

func repeated(n int, form string) string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf(form, i))
	}
	return strings.Join(list, ",")
}

var badInputs = []struct{ name, schema, body, want string }{
	{"unknown at the top", "get_product", `{"product_id":1,"id":1}`, "/id additionalProperties"},
	{"unknown in updates", "update_product", updates(`"price":1,"stock_delta":1`), "/updates/price additionalProperties"},
	{"unknown in seo entry", "update_product", seo(`"title":"x","meta_title":"x"`), "/updates/seo/en/title additionalProperties"},
	{"unknown in update options", "update_product", `{"product_id":1,"updates":{"stock_delta":1},"options":{"reindex":true}}`, "/options/reindex additionalProperties"},
	{"unknown in item", "import_products", altered("ean13", `"x"`), "/items/0/ean13 additionalProperties"},
	{"unknown in import options", "import_products", `{"batch_id":"b","items":[` + item + `],"options":{"dry_run":true}}`, "/options/dry_run additionalProperties"},
	{"unknown with a slash", "get_product", `{"product_id":1,"a/b~c":1}`, "/a~1b~0c additionalProperties"},
	{"everything missing", "update_order_status", `{}`, "/new_status required\n/order_id required"},
	{"item members missing", "import_products", items(`{}`), "/items/0/name required\n/items/0/price_ht required\n/items/0/reference required\n/items/0/stock_quantity required"},
	{"id as text", "get_product", `{"product_id":"1"}`, "/product_id type"},
	{"id as fraction", "get_product", `{"product_id":1.5}`, "/product_id type"},
	{"id null", "get_product", `{"product_id":null}`, "/product_id type"},
	{"id zero", "get_product", `{"product_id":0}`, "/product_id minimum"},
	{"id negative", "get_order", `{"order_id":-1}`, "/order_id minimum"},
	{"id huge", "get_order", `{"order_id":4294967296}`, "/order_id maximum"},
	{"id beyond 64 bits", "get_order", `{"order_id":1e30}`, "/order_id maximum"},
	{"bad job id", "get_job_status", `{"job_id":"550e8400","wait_seconds":31}`, "/job_id format\n/wait_seconds maximum"},
	{"empty updates", "update_product", updates(``), "/updates minProperties"},
	{"updates is a list", "update_product", `{"product_id":1,"updates":[]}`, "/updates type"},
	{"empty seo", "update_product", updates(`"seo":{}`), "/updates/seo minProperties"},
	{"empty seo entry", "update_product", seo(``), "/updates/seo/en minProperties"},
	{"language in words", "update_product", updates(`"seo":{"english":{"meta_title":"x"}}`), "/updates/seo/english additionalProperties"},
	{"language upper case", "import_products", altered("name", `{"FR":"x"}`), "/items/0/name/FR additionalProperties"},
	{"price negative", "update_product", updates(`"price_ht":-0.01`), "/updates/price_ht minimum"},
	{"price too high", "update_product", updates(`"price_ht":999999999.5`), "/updates/price_ht maximum"},
	{"price with 7 decimals", "update_product", updates(`"price_ht":0.1234567`), "/updates/price_ht decimals"},
	{"price with 16 digits", "update_product", updates(`"price_ht":1234567890.123456`), "/updates/price_ht digits\n/updates/price_ht maximum"},
	{"price with 16 digits and 7 decimals", "import_products", altered("price_ht", `123456789.1234567`), "/items/0/price_ht decimals\n/items/0/price_ht digits"},
	{"price as text", "update_product", updates(`"price_ht":"25.5"`), "/updates/price_ht type"},
	{"price null", "update_product", updates(`"price_ht":null`), "/updates/price_ht type"},
	{"stock unchanged", "update_product", updates(`"stock_delta":0`), "/updates/stock_delta not"},
	{"stock unchanged, spelt 0.0", "update_product", updates(`"stock_delta":-0.0`), "/updates/stock_delta not"},
	{"stock too far up", "update_product", updates(`"stock_delta":2000000`), "/updates/stock_delta maximum"},
	{"stock too far down", "update_product", updates(`"stock_delta":-1000001`), "/updates/stock_delta minimum"},
	{"half a unit", "update_product", updates(`"stock_delta":1.5`), "/updates/stock_delta type"},
	{"slug with spaces", "update_product", seo(`"link_rewrite":"a b"`), "/updates/seo/en/link_rewrite pattern"},
	{"slug empty", "update_product", seo(`"link_rewrite":""`), "/updates/seo/en/link_rewrite minLength"},
	{"title of 129 characters", "update_product", seo(`"meta_title":"` + strings.Repeat("é", 129) + `"`), "/updates/seo/en/meta_title maxLength"},
	{"description of 513 characters", "update_product", seo(`"meta_description":"` + strings.Repeat("x", 513) + `"`), "/updates/seo/en/meta_description maxLength"},
	{"title with markup", "update_product", seo(`"meta_title":"<b>"`), "/updates/seo/en/meta_title pattern"},
	{"batch id with space", "import_products", `{"batch_id":"a b","items":[` + item + `]}`, "/batch_id pattern"},
	{"batch id too long", "import_products", `{"batch_id":"` + strings.Repeat("b", 65) + `","items":[` + item + `]}`, "/batch_id maxLength"},
	{"batch id empty", "import_products", `{"batch_id":"","items":[` + item + `]}`, "/batch_id minLength"},
	{"no items", "import_products", items(), "/items minItems"},
	{"51 items", "import_products", items(repeated(51, `{"reference":"R%d","name":{"fr":"x"},"price_ht":1,"stock_quantity":1}`)), "/items maxItems"},
	{"item is text", "import_products", items(`"NEW-001"`), "/items/0 type"},
	{"reference twice", "import_products", items(item, item), "/items/1/reference duplicate"},
	{"reference twice, case differs", "import_products", items(item, strings.Replace(item, "NEW", "nEw", 1)), "/items/1/reference duplicate"},
	{"reference with brackets", "import_products", altered("reference", `"A[1]"`), "/items/0/reference pattern"},
	{"reference with equals sign", "import_products", altered("reference", `"A=1"`), "/items/0/reference pattern"},
	{"reference with blank edge", "import_products", altered("reference", `" A"`), "/items/0/reference pattern"},
	{"reference empty", "import_products", altered("reference", `""`), "/items/0/reference minLength"},
	{"name empty", "import_products", altered("name", `{"fr":""}`), "/items/0/name/fr minLength"},
	{"name without language", "import_products", altered("name", `{}`), "/items/0/name minProperties"},
	{"name with forbidden characters", "import_products", altered("name", `{"fr":"a{b}"}`), "/items/0/name/fr pattern"},
	{"name too long", "import_products", altered("name", `{"fr":"`+strings.Repeat("名", 129)+`"}`), "/items/0/name/fr maxLength"},
	{"stock negative", "import_products", altered("stock_quantity", `-1`), "/items/0/stock_quantity minimum"},
	{"stock beyond the column", "import_products", altered("stock_quantity", `2147483648`), "/items/0/stock_quantity maximum"},
	{"11 images", "import_products", altered("images_to_download", `[`+repeated(11, `"https://a.example/%d.jpg"`)+`]`), "/items/0/images_to_download maxItems"},
	{"same image twice", "import_products", altered("images_to_download", `["https://a.example/1","https://a.example/2","https://a.example/1"]`), "/items/0/images_to_download/2 uniqueItems"},
	{"description too long", "import_products", altered("description", `{"fr":"`+strings.Repeat("x", 65536)+`"}`), "/items/0/description/fr maxLength"},
	{"active as word", "import_products", altered("active", `"yes"`), "/items/0/active type"},
	{"tracking number with braces", "update_order_status", `{"order_id":1,"new_status":"shipped","tracking_number":"{1}"}`, "/tracking_number pattern"},
	{"tracking number too long", "update_order_status", `{"order_id":1,"new_status":"shipped","tracking_number":"` + strings.Repeat("1", 65) + `"}`, "/tracking_number maxLength"},
	{"status empty", "update_order_status", `{"order_id":1,"new_status":""}`, "/new_status minLength"},
	{"several items at fault, in order", "import_products",
		items(repeated(11, `{"reference":"R%d","name":{"fr":"x"},"price_ht":1,"stock_quantity":-1}`)),
		strings.Join(strings.Split(repeated(11, "/items/%d/stock_quantity minimum"), ","), "\n")},
}

func TestBadInputs(t *testing.T) {
	for _, tc := range badInputs {
		t.Run(tc.name, func(t *testing.T) {
			faults := schemas.Input(tc.schema).Validate(parse(t, tc.body))
			if got := brief(faults); got != tc.want {
				t.Errorf("got\n%s\nwant\n%s", got, tc.want)
			}
			for _, fault := range faults {
				if fault.Message == "" || fault.Text("zh-CN") == fault.Message || fault.Text("en") != fault.Message {
					t.Errorf("texts of %+v: zh %q, en %q", fault, fault.Text("zh-CN"), fault.Text("en"))
				}
			}
		})
	}
}

func TestGoodInputs(t *testing.T) {
	for _, tc := range []struct{ schema, body string }{
		{"get_product", `{"product_id":10.0}`},
		{"get_product", `{"product_id":1e2}`},
		{"get_job_status", `{"job_id":"550e8400-e29b-41d4-a716-446655440000","wait_seconds":30}`},
		{"update_product", updates(`"price_ht":0`)},
		{"update_product", updates(`"price_ht":25.5000000`)},
		{"update_product", updates(`"price_ht":999999998.999999`)},
		{"update_product", seo(`"meta_title":"` + strings.Repeat("é", 128) + `"`)},
		{"update_product", seo(`"meta_title":""`)},
		{"update_product", updates(`"seo":{"zh-cn":{"link_rewrite":"a_B-1"}}`)},
		{"import_products", items(repeated(50, `{"reference":"R%d","name":{"fr":"x"},"price_ht":1,"stock_quantity":1}`))},
		{"import_products", altered("description", `{"fr":"<p>a {b}</p>"}`)},
		{"update_order_status", `{"order_id":1,"new_status":"Expédié","tracking_number":"1Z [999] a.b/c,d"}`},
	} {
		if faults := schemas.Input(tc.schema).Validate(parse(t, tc.body)); faults != nil {
			t.Errorf("%.100s: %v", tc.body, faults)
		}
	}
}

func TestSentences(t *testing.T) {
	for _, tc := range []struct{ schema, body, en, zh string }{
		{"update_product", updates(`"price":1`), "unknown property; allowed here: price_ht, stock_delta, seo", "未知字段；此处允许：price_ht, stock_delta, seo"},
		{"get_product", `{}`, "required: must be given", "不可为空"},
		{"get_product", `{"product_id":0}`, "must be at least 1", "不能小于 1"},
		{"get_product", `{"product_id":1.5}`, "must be a whole number, not a fraction", "必须是整数，不能是小数"},
		{"update_product", updates(`"price_ht":"1"`), "must be a number, not a string", "必须是数字，不能是字符串"},
		{"import_products", items(repeated(51, `{"reference":"R%d","name":{"fr":"x"},"price_ht":1,"stock_quantity":1}`)), "must have at most 50 items, has 51", "最多 50 项，现有 51 项"},
		{"update_order_status", `{"order_id":1,"new_status":""}`, "must not be empty", "不可为空"},
		{"import_products", items(item, item), "same reference as item 0 (letter case and accents do not count); send each product once per batch", "与第 0 项的 reference 相同（不区分大小写和重音），每批中每个商品只能出现一次"},
	} {
		faults := schemas.Input(tc.schema).Validate(parse(t, tc.body))
		if len(faults) != 1 {
			t.Fatalf("%.80s: %v", tc.body, faults)
		}
		if got := faults[0].Text(""); got != tc.en {
			t.Errorf("got %q, want %q", got, tc.en)
		}
		if got := faults[0].Text("zh-CN,zh;q=0.9,en;q=0.8"); got != tc.zh {
			t.Errorf("got %q, want %q", got, tc.zh)
		}
	}
}

// TestAnswersEchoLittle sends long names and values and looks for them in the
// faults.
func TestAnswersEchoLittle(t *testing.T) {
	long := strings.Repeat("s3cret", 100)
	for _, body := range []string{
		`{"` + long + `":1}`,
		updates(`"` + long + `":1`),
		updates(`"price_ht":"` + long + `"`),
		seo(`"link_rewrite":"` + long + ` "`),
		`{"` + long + `":1,"` + long + `":1}`,
	} {
		doc, faults := schemas.Parse([]byte(body))
		if faults == nil {
			faults = schemas.Input("update_product").Validate(doc)
		}
		for _, fault := range faults {
			if text := fault.Pointer + fault.Message + fault.Text("zh"); strings.Contains(text, long[:41]) {
				t.Errorf("a fault echoes what was sent: %+v", fault)
			}
		}
	}
}

func TestFaultsAreCapped(t *testing.T) {
	body := `{"product_id":1,"updates":{"stock_delta":1},` + repeated(1000, `"x%d":1`) + `}`
	faults := schemas.Input("update_product").Validate(parse(t, body))
	if got, want := len(faults), 101; got != want {
		t.Fatalf("got %d faults, want %d", got, want)
	}
	if last := faults[100]; last.Keyword != "more" || !strings.HasPrefix(last.Message, "900 more") {
		t.Errorf("got %+v as the last", last)
	}
}
