package policies

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// decode reads a payload the way the doors do: numbers stay text.
func decode(t testing.TB, text string) any {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var payload any
	if err := decoder.Decode(&payload); err != nil {
		t.Fatalf("payload %.100s: %v", text, err)
	}
	return payload
}

// broken lists what CheckRaw finds as "rule pointer".
func broken(in Intention) []string {
	var found []string
	for _, v := range (Book{}).CheckRaw(in) {
		found = append(found, strings.TrimSpace(v.Rule+" "+v.Pointer))
	}
	return found
}

func write(t testing.TB, payload string) Intention {
	return Intention{Operation: "update_product", Method: "POST", Write: true, Payload: decode(t, payload)}
}

func TestRulesAreTheContractsSeven(t *testing.T) {
	want := []string{
		"accepted-is-not-success", "ht-only", "no-delete-with-orders", "no-direct-access",
		"max-payload", "no-heavy-sync-write", "request-id-single-intention",
	}
	var got []string
	for _, rule := range Rules {
		got = append(got, rule.ID)
		if !strings.HasSuffix(rule.Sentence, ".") || !strings.HasSuffix(rule.Fix, ".") || rule.Enforced == "" {
			t.Errorf("%s: wants a sentence, a fix and a place of enforcement", rule.ID)
		}
		if found, ok := RuleByID(rule.ID); !ok || found.Sentence != rule.Sentence {
			t.Errorf("RuleByID(%s) does not find it", rule.ID)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, ok := RuleByID("no-such-rule"); ok {
		t.Error("RuleByID invents a rule")
	}
}

// The contract's own requests, and fields of both connected systems that come
// near a rule without breaking it.
func TestLegitimatePayloadsBreakNoRule(t *testing.T) {
	for _, payload := range []string{
		`{"product_id":123,"updates":{"price_ht":25.5,"stock_delta":10},"options":{"skip_reindex":false}}`,
		`{"batch_id":"batch-2026-03-21-01","items":[{"reference":"NEW-001","name":{"fr":"Nouveau","en":"New"},"price_ht":10.0,"stock_quantity":100,"images_to_download":["https://assets.example.com/img/new-001.jpg"]}],"options":{"create_if_missing":true,"update_if_exists":true,"skip_images_errors":false}}`,
		`{"order_id":456,"new_status":"shipped","notify_customer":true,"tracking_number":"TRK123456"}`,
		`{"order_id":456,"new_status":"refunded","tracking_number":"1Z/ABC:9"}`,
		`{"items":[{"reference":"DELETE-1","name":{"fr":"Prix TTC doux","en":"Delete key (wait!)"},"description":{"fr":"<p>Prix TTC : 12 EUR, taxes comprises. file:///etc</p>"}}]}`,
		`{"updates":{"seo":{"fr":{"meta_title":"TTC","meta_description":"price incl. tax //x","link_rewrite":"prix-ttc"}}}}`,
		`{"updates":{"seo":{"tt":{"meta_title":"a"},"ht":{"meta_title":"b"},"ex":{"meta_title":"c"},"vat":{"meta_title":"d"}}}}`,
		`{"name":{"ht":"Pri TTC","tt":"x"},"batch_id":"ttc"}`,
		`{"price":12,"price_tax_excl":10,"priceWithoutTax":10,"price_before_tax":10,"prixHorsTaxe":10,"price_not_including_tax":1}`,
		`{"price_ht":12,"tax_included":false,"price_includes_tax":false,"ttc":"no","tax":"excl","price_type":"ht","tax_mode":"exclusive"}`,
		`{"price_ht":12,"tax_rules_group_id":1,"id_tax_rules_group":1,"ecotax":0,"tax_excluded":true,"ht":true}`,
		`{"gross_weight":3,"net_weight":2,"total_weight_wt":3,"weight_wt":1,"matt_color":"red","attcode":1,"private_with_label":1}`,
		`{"product_name":"Café TTC","public_name":"with tax","location":"A/12","type":"simple","mode":"fast"}`,
		`{"delete":false,"deleted":0,"no_delete":true,"action":"update","method":"PATCH"}`,
		`{"sync":false,"wait":0,"async":true,"last_sync_at":"2026-01-01","waitlist":true,"mode":"async","background":true}`,
		`{"image_count":3,"images":[1,2],"image_legend":"Vue : face / dos","images_alt":"a/b","image":"garbage text"}`,
	} {
		if got := broken(write(t, payload)); got != nil {
			t.Errorf("%s\n  breaks %v", payload, got)
		}
	}
	read := Intention{Operation: "get_job_status", Payload: decode(t, `{"job_id":"0198","wait_seconds":30}`), Prefer: []string{"wait=30"}}
	if got := broken(read); got != nil {
		t.Errorf("a read that waits breaks %v", got)
	}
}

func TestOneRequestCanBreakSeveralRulesInTheirOrder(t *testing.T) {
	in := write(t, `{"z~/":{"file":"file:///etc/passwd"},"delete":true,"price_ttc":3,"business_success":true,"sync":true}`)
	in.PayloadBytes = DefaultMaxPayloadBytes + 1
	want := []string{
		"accepted-is-not-success /business_success", "ht-only /price_ttc", "no-delete-with-orders /delete",
		"no-direct-access /z~0~1/file", "max-payload", "no-heavy-sync-write /sync",
	}
	if diff := cmp.Diff(want, broken(in)); diff != "" {
		t.Error(diff)
	}
}

func TestViolationsAreCapped(t *testing.T) {
	items := make([]any, 10_000)
	for i := range items {
		items[i] = map[string]any{fmt.Sprintf("price%d_ttc", i): json.Number("1")}
	}
	if got := len((Book{}).CheckRaw(Intention{Write: true, Payload: map[string]any{"items": items}})); got != maxViolations {
		t.Errorf("got %d violations, want %d", got, maxViolations)
	}
}

func TestPayloadSize(t *testing.T) {
	for _, c := range []struct {
		limit, size int64
		refused     bool
	}{
		{0, 10_485_760, false}, {0, 10_485_761, true}, {100, 100, false}, {100, 101, true},
	} {
		got := (Book{MaxPayloadBytes: c.limit}).CheckRaw(Intention{PayloadBytes: c.size})
		if refused := len(got) == 1 && got[0].Rule == MaxPayload; refused != c.refused {
			t.Errorf("limit %d, size %d: refused %v", c.limit, c.size, refused)
		}
	}
}

func TestPayloadOfEndlessNamesIsRefused(t *testing.T) {
	payload := map[string]any{}
	for i := range 200_000 {
		payload[fmt.Sprintf("%b", i)+string(rune('a'+i%26))] = nil
	}
	got := (Book{}).CheckRaw(Intention{Payload: map[string]any{"description": payload, "images": []any{"file:///etc/passwd"}}})
	if len(got) != 1 || got[0].Rule != MaxPayload {
		t.Errorf("got %v", got)
	}
}

func TestDeepPayloadIsWalkedToItsEnd(t *testing.T) {
	depth := 4000 // encoding/json stops at 10,000 levels
	payload := decode(t, strings.Repeat(`{"a":[`, depth)+`{"prix_ttc":1}`+strings.Repeat(`]}`, depth))
	got := (Book{}).CheckRaw(Intention{Write: true, Payload: payload})
	if len(got) != 1 || !strings.HasSuffix(got[0].Pointer, "/a/0/prix_ttc") {
		t.Errorf("got %d violations", len(got))
	}
}

func FuzzCheckRaw(f *testing.F) {
	for _, seed := range []string{"price_ttc", "ＰＲＩＣＥ　ＴＴＣ", "images", "_method", "wait", "l\u200blink", "ﬁle", "\xff\xfe", strings.Repeat("ttc", 200)} {
		f.Add(seed, "file:///etc/passwd")
	}
	f.Fuzz(func(t *testing.T, key, value string) {
		// No disguise may take an attack out of sight: what is refused plainly
		// is refused beside any other member, too.
		payload := map[string]any{key: value, "x": []any{map[string]any{key: value, "prix_ttc": json.Number("1")}}}
		found := false
		for _, v := range (Book{}).CheckRaw(Intention{Write: true, Payload: payload}) {
			found = found || v.Pointer == "/x/0/prix_ttc"
			if v.Pointer != "" && v.Pointer[0] != '/' {
				t.Errorf("pointer %q", v.Pointer)
			}
		}
		if !found && key != "prix_ttc" && len((Book{}).CheckRaw(Intention{Write: true, Payload: payload})) < maxViolations {
			t.Errorf("key %q hides another member", key)
		}
		for _, r := range read(key).readings {
			for _, p := range r {
				if p.word == "" {
					t.Errorf("empty word in %q", key)
				}
			}
		}
	})
}
