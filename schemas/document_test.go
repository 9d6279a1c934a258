package schemas_test

import (
	"bytes"
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prestashop-bridge/bridge/schemas"
)

func TestCanonicalSpelling(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"keys sorted", `{"b":1,"a":{"d":[],"c":{}}}`, `{"a":{"c":{},"d":[]},"b":1}`},
		{"white space", " {\t\"a\" :\n[ 1 , true,false , null ]\r} ", `{"a":[1,true,false,null]}`},
		{"numbers", `{"a":[25.5,25.50,2.55e1,10.0,1E2,-0,-0.0e5,0.10,1e-3,-12.0]}`, `{"a":[25.5,25.5,25.5,10,100,0,0,0.1,0.001,-12]}`},
		{"escapes", `{"a":"\u0041\/\"\\\b\f\n\r\t\u001f<&>\u2028é😀\ud83d\ude00"}`, `{"a":"A/\"\\\b\f\n\r\t\u001f<&>` + "\u2028é😀😀" + `"}`},
		{"escaped key", `{"\u0061":1}`, `{"a":1}`},
		{"empty key", `{"":1}`, `{"":1}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			doc := parse(t, tc.text)
			if diff := cmp.Diff(tc.want, string(doc.Canonical())); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if string(doc.Raw()) != tc.text {
				t.Errorf("the raw bytes changed: %s", doc.Raw())
			}
			if again := parse(t, string(doc.Canonical())); !bytes.Equal(again.Canonical(), doc.Canonical()) {
				t.Errorf("canonical of canonical is %s", again.Canonical())
			}
		})
	}
}

func nested(depth int) string {
	return `{"a":` + strings.Repeat("[", depth-1) + strings.Repeat("]", depth-1) + `}`
}

func TestParseRefusals(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"nothing", ``, " empty"},
		{"only space", " \n", " empty"},
		{"a list", `[]`, " top_level"},
		{"a word", `null`, " top_level"},
		{"a text", `"{}"`, " top_level"},
		{"byte order mark", "\xef\xbb\xbf{}", " json"},
		{"cut off", `{"a":[1,`, "/a/1 json"},
		{"cut off in text", `{"a":"x`, "/a json"},
		{"cut off in escape", `{"a":"\`, "/a json"},
		{"cut off in word", `{"a":tru`, "/a json"},
		{"no colon", `{"a" 1}`, " json"},
		{"trailing comma", `{"a":1,}`, " json"},
		{"trailing comma in list", `{"a":[1,]}`, "/a/1 json"},
		{"single quotes", `{'a':1}`, " json"},
		{"comment", `{/**/}`, " json"},
		{"leading zero", `{"a":01}`, "/a json"},
		{"bare point", `{"a":.5}`, "/a json"},
		{"plus sign", `{"a":+1}`, "/a json"},
		{"not a number", `{"a":NaN}`, "/a json"},
		{"only a minus", `{"a":-}`, "/a json"},
		{"raw line break", "{\"a\":\"\n\"}", "/a json"},
		{"raw line break after escape", "{\"a\":\"\\t\n\"}", "/a json"},
		{"unknown escape", `{"a":"\x41"}`, "/a json"},
		{"short escape", `{"a":"\u12"}`, "/a json"},
		{"signed escape", `{"a":"\u+041"}`, "/a json"},
		{"second object", `{} {}`, " trailing"},
		{"junk after", `{}x`, " trailing"},
		{"broken UTF-8", "{\"a\":[0,\"\xff\"]}", "/a/1 utf8"},
		{"broken UTF-8 after escape", "{\"a\":\"\\n\xc0\xaf\"}", "/a utf8"},
		{"encoded surrogate", "{\"a\":\"\xed\xa0\x80\"}", "/a utf8"},
		{"broken UTF-8 in key", "{\"\xff\":1}", " utf8"},
		{"broken UTF-8 outside text", "{\xff}", " json"},
		{"lone high surrogate", `{"a":"\ud83d"}`, "/a surrogate"},
		{"lone low surrogate", `{"a":"\ude00x"}`, "/a surrogate"},
		{"high and no low", `{"a":"\ud83d\u0041"}`, "/a surrogate"},
		{"NUL", `{"a":{"b":"x\u0000"}}`, "/a/b nul"},
		{"NUL in key", `{"\u0000":1}`, " nul"},
		{"key twice", `{"a":{"b":1,"b":1}}`, "/a/b duplicate"},
		{"key twice, spelt differently", `{"a":1,"\u0061":2}`, "/a duplicate"},
		{"key twice in a list", `{"a":[{},{"x~/":1,"x~/":2}]}`, "/a/1/x~0~1 duplicate"},
		{"too deep", nested(33), "/a" + strings.Repeat("/0", 31) + " depth"},
		{"far too deep", `{"a":` + strings.Repeat("[", 1_000_000), "/a" + strings.Repeat("/0", 31) + " depth"},
		{"exponent bomb", `{"a":1e999999999}`, "/a number"},
		{"negative exponent bomb", `{"a":1e-999999999}`, "/a number"},
		{"exponent 31", `{"a":1e31}`, "/a number"},
		{"41 digits", `{"a":` + strings.Repeat("1", 41) + `}`, "/a number"},
		{"a million digits", `{"a":` + strings.Repeat("1", 1_000_000) + `}`, "/a number"},
		{"long when written out", `{"a":0.12345678901234567890123456e-30}`, "/a number"},
		{"several faults", `{"a":1,"a":"\u0000","b":1e99}`, "/a duplicate\n/a nul\n/b number"},
		{"too many values", `{"a":[` + strings.Repeat("0,", 300_000) + `0]}`, "/a/199998 size"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			doc, faults := schemas.Parse([]byte(tc.text))
			if got := brief(faults); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			if doc.Value() != nil || doc.Canonical() != nil || doc.Raw() != nil {
				t.Error("a refused document is not empty")
			}
			for _, fault := range faults {
				if fault.Text("zh") == fault.Message {
					t.Errorf("no Chinese for %+v", fault)
				}
			}
		})
	}
}

func TestParseBounds(t *testing.T) {
	for _, text := range []string{nested(32), `{"a":1e30}`, `{"a":1e-30}`, `{"a":` + strings.Repeat("1", 40) + `}`, `{"a":1e00000000000000000000000000000000005}`} {
		parse(t, text)
	}
	faults := schemas.Input("get_product").Validate(schemas.Document{})
	if got := brief(faults); got != " type" {
		t.Errorf("an empty document gives %q", got)
	}
	repeats := `{` + strings.Repeat(`"a":1,`, 100_000) + `"a":1}`
	if _, faults := schemas.Parse([]byte(repeats)); len(faults) != 100 {
		t.Errorf("got %d faults of a hundred thousand, want the first 100", len(faults))
	}
}

func TestParseKeepsItsOwnBytes(t *testing.T) {
	buffer := []byte(`{"a":"x"}`)
	doc := parse(t, string(buffer))
	fromBuffer, _ := schemas.Parse(buffer)
	copy(buffer, `{"b":"y"}`)
	if !bytes.Equal(fromBuffer.Raw(), doc.Raw()) || !bytes.Equal(fromBuffer.Canonical(), doc.Canonical()) {
		t.Error("the document follows the buffer it was read from")
	}
}

func TestTake(t *testing.T) {
	doc := parse(t, `{"request_id":"x", "order_id":1.0}`)
	value, rest, found := doc.Take("request_id")
	if value != "x" || !found || string(rest.Canonical()) != `{"order_id":1}` || string(rest.Raw()) != `{"order_id":1}` {
		t.Errorf("got %v, %s, %v", value, rest.Canonical(), found)
	}
	if string(doc.Canonical()) != `{"order_id":1,"request_id":"x"}` {
		t.Errorf("the document itself changed: %s", doc.Canonical())
	}
	if _, rest, found = doc.Take("x"); found || !bytes.Equal(rest.Raw(), doc.Raw()) {
		t.Error("an absent member was taken")
	}
	if _, _, found = (schemas.Document{}).Take("x"); found {
		t.Error("a member of nothing was taken")
	}
}

func TestDocumentOf(t *testing.T) {
	doc, err := schemas.DocumentOf(schemas.GetProduct{ProductID: 7})
	if err != nil || string(doc.Canonical()) != `{"product_id":7}` {
		t.Errorf("got %s, %v", doc.Canonical(), err)
	}
	for _, value := range []any{7, nil, make(chan int)} {
		if _, err := schemas.DocumentOf(value); err == nil {
			t.Errorf("%v is a document", value)
		}
	}
}

func TestIdentifiers(t *testing.T) {
	const id = "f47ac10b-58cc-4372-a567-0e02b2c3d479"
	if got, err := schemas.ParseRequestID(strings.ToUpper(id)); err != nil || got != id {
		t.Errorf("got %q, %v", got, err)
	}
	for _, bad := range []string{
		"", " " + id, id + "\n", "{" + id + "}", "urn:uuid:" + id, strings.ReplaceAll(id, "-", ""),
		"f47ac10b-58cc-1372-a567-0e02b2c3d479", "f47ac10b-58cc-4372-c567-0e02b2c3d479", "00000000-0000-0000-0000-000000000000",
		"g47ac10b-58cc-4372-a567-0e02b2c3d479",
	} {
		if got, err := schemas.ParseRequestID(bad); err == nil {
			t.Errorf("%q was read as %q", bad, got)
		}
	}
	if got, err := schemas.ParseJobID("0198F0A0-1234-7000-8000-0123456789AB"); err != nil || got != "0198f0a0-1234-7000-8000-0123456789ab" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := schemas.ParseJobID("../etc/passwd"); err == nil {
		t.Error("a path is a job id")
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":[1,2.50,-0,1e2,"\u00e9\ud83d\ude00\n",true,null,{"b":{}}]}`, `{"a":1,"a":2}`, `{"a":"\ud800"}`, `{"a":1e31}`, "{\"\xff\":0}", `[1]`, ` {"z":1,"a":""} `,
		`{"product_id":123,"updates":{"price_ht":25.5,"stock_delta":10,"seo":{"en":{"meta_title":"x"}}}}`,
		items(item), `{"order_id":456,"new_status":"shipped","tracking_number":"T"}`, `{"job_id":"550e8400-e29b-41d4-a716-446655440000"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		doc, faults := schemas.Parse(raw)
		if faults != nil {
			return
		}
		again, faults := schemas.Parse(doc.Canonical())
		if faults != nil || !bytes.Equal(again.Canonical(), doc.Canonical()) {
			t.Fatalf("canonical %s of %s is not canonical: %v", doc.Canonical(), raw, faults)
		}
		var lenient any
		decoder := json.NewDecoder(bytes.NewReader(raw))
		decoder.UseNumber()
		if err := decoder.Decode(&lenient); err != nil {
			t.Fatalf("%s is no JSON for encoding/json: %v", raw, err)
		}
		if !cmp.Equal(doc.Value(), lenient, cmp.Comparer(sameNumber)) {
			t.Fatalf("%s: encoding/json reads another meaning", raw)
		}
		typed := map[string]any{
			"get_product": new(schemas.GetProduct), "get_order": new(schemas.GetOrder), "get_job_status": new(schemas.GetJobStatus),
			"update_product": new(schemas.UpdateProduct), "import_products": new(schemas.ImportProducts), "update_order_status": new(schemas.UpdateOrderStatus),
		}
		for name, into := range typed {
			if schemas.Input(name).Validate(doc) != nil {
				continue
			}
			if err := doc.Decode(into); err != nil {
				t.Fatalf("%s is a valid %s but does not decode: %v", raw, name, err)
			}
		}
	})
}

func sameNumber(a, b json.Number) bool {
	x, okX := new(big.Rat).SetString(a.String())
	y, okY := new(big.Rat).SetString(b.String())
	return okX && okY && x.Cmp(y) == 0
}
