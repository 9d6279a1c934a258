package sandbox

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
)

// write puts an element back into markup.
func (e *element) write(b *strings.Builder) {
	b.WriteString("<" + e.name)
	for _, k := range sortedKeys(e.attributes) {
		b.WriteString(" " + k + `="` + escape(e.attributes[k]) + `"`)
	}
	b.WriteString(">" + escape(e.content))
	for _, c := range e.children {
		c.write(b)
	}
	b.WriteString("</" + e.name + ">")
}

func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "\r", "&#13;").Replace(s)
}

// FuzzMarkup: nothing makes the parser panic or hang, every refusal has the
// shop's message, and what is accepted survives being written and read again.
func FuzzMarkup(f *testing.F) {
	for _, seed := range []string{
		"", "x", "<a/>", "<a><b>1</b></a>", "<a><b>1</a>", "<a", "<a b=\"1\" b='2'/>", "<a>&lt;&#65;&#x41;&nope;</a>",
		"<a><![CDATA[<x>]]></a>", "<a><!-- c --><?p?></a>", "\ufeff<?xml version=\"1.0\"?><a/>", "<a>\xff</a>", "<a>&</a>",
		`{"product":{}}`, "<a/><b/>", strings.Repeat("<a>", 300), "<a:b xmlns:a=\"x\"><c/></a:b>",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		root, err := parseMarkup(in)
		if err != nil {
			fault, ok := err.(*markupError)
			if !ok || len(fault.faults) == 0 && strings.TrimPrefix(in, "\ufeff") != "" {
				t.Fatalf("%q: refused without a message: %v", in, err)
			}
			return
		}
		var once, twice strings.Builder
		root.write(&once)
		again, err := parseMarkup(once.String())
		if err != nil {
			t.Fatalf("%q: written as %q: %v", in, once.String(), err)
		}
		if again.write(&twice); once.String() != twice.String() {
			t.Fatalf("%q: %q became %q", in, once.String(), twice.String())
		}
	})
}

// FuzzFilter: no filter value panics; a value in plain brackets matches itself
// and nothing is both matched and not matched.
func FuzzFilter(f *testing.F) {
	for _, seed := range []string{"demo_1", "[demo_1]", "[a|b]", "[1,9]", "%[x]", "[x]%", "%[x]%", ">[3]", "<[3]", "![a|b]", "A[1]B", "[", "]", "[]", "%[\\]%"} {
		f.Add(seed, "demo_1", int64(3))
	}
	f.Fuzz(func(t *testing.T, filter, value string, number int64) {
		name, count := text("name"), integer("count")
		parseFilter(filter).match(name, value)
		parseFilter(filter).match(count, number)
		parseFilter(filter).match(stamped("date"), value)
		if !strings.ContainsAny(value, "[]|,\n") && !parseFilter("["+value+"]").match(name, value) {
			t.Errorf("[%s] does not match itself", value)
		}
		if strings.ContainsAny(value, "[]|\n") {
			return
		}
		yes, no := parseFilter("["+value+"x]").match(name, filter), parseFilter("!["+value+"x]").match(name, filter)
		if !strings.Contains(value, ",") && yes == no {
			t.Errorf("%q is equal %t and different %t to %qx", filter, yes, no, value)
		}
	})
}

// FuzzShop throws whole requests at the shop: it always answers with a status
// it knows and never panics.
func FuzzShop(f *testing.F) {
	f.Add("GET", "/api/products?filter[id]=[1,3]&display=full&output_format=JSON", "", "")
	f.Add("PATCH", "/api/products/1", "<p><product><id>1</id><price>3</price></product></p>", "text/xml")
	f.Add("POST", "/api/products", "<p><product><price>3</price><name><language id='1'>x</language></name></product></p>", "")
	f.Add("POST", "/api/order_histories?sendemail=1", "<p><h><id_order>1</id_order><id_order_state>4</id_order_state></h></p>", "")
	f.Add("POST", "/api/images/products/1", "--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.gif\"\r\n\r\nGIF89a\r\n--b--", "multipart/form-data; boundary=b")
	f.Add("DELETE", "/api/products?id=[1,99999999999999999999]", "", "")
	f.Add("PUT", "/api/products/1", "<p><product><id>1</id><price>1</price><position_in_category>2</position_in_category></product></p>", "")
	f.Add("GET", "/webservice/dispatcher.php?url=products/1&language=[1|2]&sort=[name_DESC]&limit=1,2", "", "")
	f.Fuzz(func(t *testing.T, method, target, body, contentType string) {
		s, err := New(Options{Key: testKey})
		if err != nil {
			t.Fatal(err)
		}
		raw := method + " " + target + " HTTP/1.1\r\nHost: shop\r\n\r\n"
		req, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
		if err != nil {
			return
		}
		req.SetBasicAuth(testKey, "")
		req.Header.Set("Content-Type", contentType)
		req.Body = io.NopCloser(bytes.NewReader([]byte(body)))
		w := newRecorder()
		s.ServeHTTP(w, req)
		switch {
		case w.status >= 200 && w.status < 600, w.status == 0 && w.body.Len() > 0:
		default:
			t.Errorf("status %d", w.status)
		}
	})
}
