package webhooks

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
)

// The vendor's published signatures, one from each of its SDKs.
func TestTokenSignatureVectors(t *testing.T) {
	const shop = `{"created_at":"2014-08-28T17:28:13.301+08:00","domain":"www.example.com","enable_email_regist":true,"enable_mobile_regist":true,"enable_username_regist":true,"name":"TEST","page_description":"","page_title":"","updated_at":"2015-07-27T13:58:14.607+08:00","url":"http://www.example.com","webhook_token":"906155047ff74a14a1ca6b1fa74d3390"}`
	for _, v := range []struct{ sdk, token, body, want string }{
		{"php, python", "906155047ff74a14a1ca6b1fa74d3390", shop, "NS0Wcz2CDgzI4+L9/UYdwaXpPI4As7VD+wKCRgKqNUo="},
		{"go", "token", "data", "aGJj4CYlgxhU9ZcxwdZ8tAMzgKugNK6pE0qfnt8sAWI="},
		{"c#", "906155047ff74a14a1ca6b1fa74d3390", "data", "3iAqy/BJfK2U3VU77vAPsGXmSnJqNVqurqHJeho326Q="},
		{"node", "fbc7f83524f14e358a325a5066acd741", "12345qwert", "Fp6SL4UABMWhXojvSGBneRs0h0wEnqxQrqT/ko/mqg0="},
		{"node, UTF-8", "fbc7f83524f14e358a325a5066acd741", "12345qwert友好速搭很棒", "FXX5JR4sC7Z6kktz/vhxLcy3ydEdIHWpAHnqOxnXhJU="},
	} {
		if got := TokenSignature(v.token, []byte(v.body)); got != v.want {
			t.Errorf("%s: %s, want %s", v.sdk, got, v.want)
		}
	}
}

// The example of the Standard Webhooks specification.
func TestStandardSignatureVector(t *testing.T) {
	got, err := StandardSignature([]string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want || err != nil {
		t.Errorf("%s, %v", got, err)
	}
	if _, err := StandardSignature([]string{"whsec_!"}, "x", time.Now(), nil); err == nil {
		t.Error("a broken secret signs")
	}
}

func TestFormEncoding(t *testing.T) {
	const object = `{"id":7,"price":1.10,"big":12345678901234567890,"name":"Größe & Co=+%","on":true,"none":null,"lines":[{"sku":"A"},{"sku":"B"}],"tags":["x","y"],"empty":[],"also":{},"nested":{"a":{"b":1}}}`
	body, header, err := encode(bridge.ContentForm, json.RawMessage(object))
	if err != nil || header != "application/x-www-form-urlencoded" {
		t.Fatal(header, err)
	}
	got, err := url.ParseQuery(string(body))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"id": "7", "price": "1.10", "big": "12345678901234567890", "name": "Größe & Co=+%", "on": "true", "none": "",
		"lines[0][sku]": "A", "lines[1][sku]": "B", "tags[0]": "x", "tags[1]": "y", "nested[a][b]": "1",
	}
	if len(got) != len(want) {
		t.Errorf("%v", got)
	}
	for name, value := range want {
		if got.Get(name) != value || !got.Has(name) {
			t.Errorf("%s is %q, want %q", name, got.Get(name), value)
		}
	}
	if again, _, _ := encode(bridge.ContentForm, json.RawMessage(object)); string(again) != string(body) {
		t.Error("the same object is written in two ways, so a retry would carry another signature")
	}
	if _, _, err := encode(bridge.ContentForm, json.RawMessage(`[1]`)); err == nil {
		t.Error("a list is no object")
	}
}

// Whatever object an event carries, its form reads back as one, member by
// member.
func FuzzFormEncoding(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":[{"b":"&="}]}`, `{"":1}`, `{"a[b]":"\u0000"}`, `{"ü":{"x":null}}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var object map[string]any
		if json.Unmarshal([]byte(text), &object) != nil || object == nil {
			return
		}
		body, _, err := encode(bridge.ContentForm, json.RawMessage(text))
		if err != nil {
			t.Fatal(err)
		}
		form, err := url.ParseQuery(string(body))
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		for name, value := range object {
			if s, isText := value.(string); isText && !hasValue(form[name], s) {
				t.Errorf("%q is %q, want %q", name, form[name], s)
			}
		}
	})
}

func hasValue(values []string, want string) bool {
	for _, value := range values {
		if value == want || strings.ToValidUTF8(want, "\uFFFD") == value {
			return true
		}
	}
	return false
}

func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"", "0", "-1", "5", "99999999999999", "Sun, 06 Nov 1994 08:49:37 GMT", "soon"} {
		f.Add(seed)
	}
	now := time.Unix(784111777-60, 0)
	f.Fuzz(func(t *testing.T, value string) {
		if got := retryAfter(value, now); got < 0 || got > maxRetryAfter {
			t.Errorf("%q: %v", value, got)
		}
	})
}

// A receiver has eight places, one once it fails, none for a while after five
// failures, and then one again.
func TestReceiverPlaces(t *testing.T) {
	now := time.Unix(0, 0)
	r := receivers{now: func() time.Time { return now }, known: map[string]*receiver{}}
	fill := func() (leaves []func(health)) {
		for {
			leave, ok := r.enter("https://a.example")
			if !ok {
				return leaves
			}
			leaves = append(leaves, leave)
		}
	}
	first := fill()
	if len(first) != atOnce {
		t.Fatalf("%d at once", len(first))
	}
	if !r.free("https://b.example") {
		t.Error("one receiver fills another's places")
	}
	first[0](untold)
	if got := fill(); len(got) != 1 {
		t.Errorf("%d after one that was not called", len(got))
	}
	for _, leave := range first[1:] {
		leave(ailing)
	}
	if r.free("https://a.example") {
		t.Error("free while one is under way and others have failed")
	}
	now = now.Add(breakFor)
	r.known["https://a.example"].running = 0
	if got := fill(); len(got) != 1 {
		t.Errorf("%d after the rest", len(got))
	} else {
		got[0](well)
	}
	if got := fill(); len(got) != atOnce {
		t.Errorf("%d when it is well again", len(got))
	}
}
