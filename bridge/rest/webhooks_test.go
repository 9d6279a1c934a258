package rest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/bridge/rest"
	"github.com/prestashop-bridge/bridge/policies"
	"github.com/prestashop-bridge/bridge/queue"
	"github.com/prestashop-bridge/bridge/schemas"
	"github.com/prestashop-bridge/bridge/store"
	"github.com/prestashop-bridge/bridge/store/storetest"
)

const (
	hookPath    = "/v1/webhooks"
	hookAddress = "https://receiver.example.org/hooks"
)

// withWebhooks puts the webhook resource behind a door: the real use cases on
// a real database, the real guard's rules without its name look-up, the real
// buckets.
func withWebhooks(t *testing.T) func(*rest.Door) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "bridge.db")
	empty, err := storetest.Empty()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, empty, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), "sqlite:"+file, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	sealer, err := auth.OpenSealer(filepath.Join(t.TempDir(), "secrets.key"))
	if err != nil {
		t.Fatal(err)
	}
	return func(d *rest.Door) {
		buckets, err := queue.Open(context.Background(), "", queue.Options{Now: d.Now})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = buckets.Close() })
		var book policies.Book
		d.Webhooks = &bridge.Subscriptions{
			Store: db, Log: db, Sealer: sealer, OwnHost: "bridge.example", Now: d.Now,
			Admit: func(_ context.Context, address string) error {
				if err := book.CheckURL(address); err != nil {
					return err
				}
				return book.RequireHTTPS(address)
			},
		}
		d.Buckets, d.Gate.AccessTokens = buckets, db
		d.ShopURL = func(context.Context, string) (string, error) { return "https://shop.example.com", nil }
	}
}

// asking makes shots with a request id of their own.
type asking struct {
	*rig
	sent int
}

func newAsking(t *testing.T) *asking { return &asking{rig: newRig(t, withWebhooks(t))} }

func (a *asking) do(method, uri, body string) *httptest.ResponseRecorder {
	a.t.Helper()
	a.sent++
	return a.send(shot{method: method, uri: uri, payload: body, requestID: fmt.Sprintf("9a6ea3f2-672b-4f44-a143-%012d", a.sent)})
}

// made registers a webhook and gives it.
func (a *asking) made(topic, more string) schemas.Webhook {
	a.t.Helper()
	w := a.do("POST", hookPath, fmt.Sprintf(`{"webhook":{"topic":%q,"address":%q%s}}`, topic, hookAddress, more))
	return one(a.t, w)
}

func one(t *testing.T, w *httptest.ResponseRecorder) schemas.Webhook {
	t.Helper()
	expect(t, w, 200)
	var envelope schemas.WebhookEnvelope
	if err := json.Unmarshal(w.Body.Bytes(), &envelope); err != nil {
		t.Fatal(err)
	}
	return envelope.Webhook
}

// faults sends what must be refused with 422 and gives errors by field.
func (a *asking) faults(method, uri, body string) map[string][]string {
	a.t.Helper()
	p := problem(a.t, a.do(method, uri, body), 422, bridge.CodeInvalidFields)
	if p.Code != 422 {
		a.t.Errorf("code %d", p.Code)
	}
	return p.Errors
}

var webhookTime = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d$`)

func TestWebhookLife(t *testing.T) {
	a := newAsking(t)
	made := a.made("jobs/succeeded", "")
	if made.Topic != "jobs/succeeded" || made.Address != hookAddress || made.ContentType != bridge.ContentForm || made.ID < 1 {
		t.Errorf("made %+v", made)
	}
	if !webhookTime.MatchString(made.CreatedAt) || made.UpdatedAt != made.CreatedAt {
		t.Errorf("times %s, %s", made.CreatedAt, made.UpdatedAt)
	}
	uri := hookPath + "/" + strconv.FormatInt(made.ID, 10)
	if read := one(t, a.do("GET", uri, "")); read != made {
		t.Errorf("read %+v", read)
	}
	a.now = a.now.Add(1500e6)
	changed := one(t, a.do("PUT", uri, `{"webhook":{"content_type":"application/json"}}`))
	want := made
	want.ContentType, want.UpdatedAt = bridge.ContentJSON, changed.UpdatedAt
	if changed != want || changed.UpdatedAt == made.UpdatedAt {
		t.Errorf("changed %+v", changed)
	}
	// A client that sends the whole object back changes nothing by it.
	same := one(t, a.do("PUT", uri, fmt.Sprintf(`{"webhook":{"id":99,"created_at":"x","address":%q}}`, hookAddress)))
	if same.ID != made.ID || same.CreatedAt != made.CreatedAt {
		t.Errorf("same %+v", same)
	}
	w := a.do("DELETE", uri, "")
	expect(t, w, 200)
	if w.Body.String() != "{}" {
		t.Errorf("DELETE answered %s", w.Body)
	}
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		body := ""
		if method == "PUT" {
			body = `{"webhook":{}}`
		}
		if got := a.faults(method, uri, body); len(got["id"]) != 1 {
			t.Errorf("%s of what is gone: %v", method, got)
		}
	}
	if next := a.made("jobs/succeeded", ""); next.ID <= made.ID {
		t.Errorf("the id %d came again as %d", made.ID, next.ID)
	}
}

func TestWebhookRefusals(t *testing.T) {
	a := newAsking(t)
	for body, fields := range map[string]string{
		`{"webhook":{}}`:                         "address topic",
		`{}`:                                     "address topic",
		`{"webhook":{"topic":"jobs/succeeded"}}`: "address",
		`{"webhook":{"address":"` + hookAddress + `"}}`:                                                    "topic",
		`{"webhook":{"address":null,"topic":"  "}}`:                                                        "address topic",
		`{"webhook":{"address":5,"topic":"jobs/done"}}`:                                                    "address topic",
		`{"webhook":{"topic":"jobs/succeeded","address":"` + hookAddress + `","content_type":"text/xml"}}`: "content_type",
		`{"webhook":{"topic":"jobs/succeeded","address":"` + hookAddress + `","secret":"mine"}}`:           "secret",
		`{"webhook":{"topic":"jobs/succeeded","address":"` + hookAddress + `"},"also":1}`:                  "also",
		`{"webhook":"jobs/succeeded"}`:                                                                     "webhook",
	} {
		got := a.faults("POST", hookPath, body)
		if strings.Join(keys(got), " ") != fields {
			t.Errorf("%s: %v", body, got)
		}
	}
	// SSRF: the spellings that must not be registered.
	for _, address := range []string{
		"http://receiver.example.org/", "https://localhost/", "https://127.0.0.1/", "https://127.1/", "https://2130706433/", "https://0x7f000001/",
		"https://0177.0.0.1/", "https://10.0.0.1/", "https://192.168.1.1/", "https://172.16.0.1/", "https://169.254.169.254/latest", "https://100.64.0.1/",
		"https://224.0.0.1/", "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://[fd00:ec2::254]/", "https://[fe80::1]/", "https://metadata.google.internal/",
		"https://user:secret@receiver.example.org/", "https://bridge.example/hooks", "https://youhaosuda.com/", "https://x.v.youhaosuda.com/", "file:///etc/passwd",
		"ftp://receiver.example.org/", "//receiver.example.org/", "receiver.example.org", "https://intern/", "https://receiver.example.org/#part", "https://１２７.0.0.1/",
		hookAddress + strings.Repeat("x", 2100),
	} {
		body, err := json.Marshal(map[string]any{"webhook": map[string]any{"topic": "jobs/succeeded", "address": address}})
		if err != nil {
			t.Fatal(err)
		}
		if got := a.faults("POST", hookPath, string(body)); len(got["address"]) != 1 {
			t.Errorf("%s: %v", address, got)
		}
	}
	if w := a.do("GET", hookPath+"/count", ""); !strings.Contains(w.Body.String(), `"count":0`) {
		t.Errorf("something was made: %s", w.Body)
	}
	a.refused(shot{method: "POST", uri: hookPath, payload: `{"webhook":{"topic":1,"topic":2}}`}, 400, bridge.CodeSchemaViolation)
}

func keys(m map[string][]string) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// The vendor's envelope, in English and in Chinese, both faults at once.
func TestWebhookErrorLanguage(t *testing.T) {
	a := newAsking(t)
	for language, want := range map[string]string{"": "required: must be given", "zh": "不可为空", "zh-CN,en;q=0.5": "不可为空", "en": "required: must be given"} {
		w := a.send(shot{method: "POST", uri: hookPath, payload: `{"webhook":{}}`, after: func(r *http.Request) {
			if language != "" {
				r.Header.Set("Accept-Language", language)
			}
		}})
		p := problem(t, w, 422, bridge.CodeInvalidFields)
		if diff := cmp.Diff(map[string][]string{"address": {want}, "topic": {want}}, p.Errors); diff != "" {
			t.Errorf("%q: %s", language, diff)
		}
	}
}

func TestWebhookLists(t *testing.T) {
	a := newAsking(t)
	var ids []int64
	for i := range 23 {
		topic := "jobs/succeeded"
		if i%2 == 1 {
			topic = "orders/paid"
		}
		ids = append(ids, a.made(topic, "").ID)
	}
	listed := func(query string) []schemas.Webhook {
		t.Helper()
		w := a.do("GET", hookPath+query, "")
		expect(t, w, 200)
		var list schemas.WebhookList
		if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil {
			t.Fatal(err)
		}
		return list.Webhooks
	}
	for query, want := range map[string][]int64{
		"":                                 ids[:10],
		"?page=3":                          ids[20:],
		"?page=4":                          {},
		"?limit=50":                        ids,
		"?limit=2&page=2":                  ids[2:4],
		"?since_id=" + fmt.Sprint(ids[20]): ids[21:],
		fmt.Sprintf("?ids=%d,,%d,999999", ids[6], ids[7]): ids[6:8],
		"?ids=":                      {},
		"?topic=orders/paid&limit=3": {ids[1], ids[3], ids[5]},
	} {
		var got []int64
		for _, w := range listed(query) {
			got = append(got, w.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
	}
	if got := listed("?fields=id,topic&limit=1"); got[0] != (schemas.Webhook{ID: ids[0], Topic: "jobs/succeeded"}) {
		t.Errorf("fields: %+v", got)
	}
	for query, want := range map[string]int{"": 23, "?topic=orders/paid": 11, fmt.Sprintf("?since_id=%d", ids[19]): 3} {
		var count schemas.Count
		if err := json.Unmarshal(a.do("GET", hookPath+"/count"+query, "").Body.Bytes(), &count); err != nil || count.Count != want {
			t.Errorf("count%s: %d, %v", query, count.Count, err)
		}
	}
	for _, query := range []string{
		"limit=51", "limit=0", "limit=-1", "limit=ten", "limit=", "page=0", "page=x", "since_id=-1", "since_id=1.5", "topic=jobs", "topic=", "ids=6.7", "query;", "ids=0",
		"fields=secret", "limit=1&limit=2", "order=asc",
	} {
		name, _, _ := strings.Cut(strings.TrimSuffix(query, ";"), "=")
		if got := a.faults("GET", hookPath+"?"+query, ""); len(got[name]) != 1 {
			t.Errorf("%s: %v", query, got)
		}
	}
}

// Every name of the vendor is taken, and every one of ours.
func TestEveryTopicCanBeAskedFor(t *testing.T) {
	a := newAsking(t)
	vendor := 0
	for _, row := range bridge.Topics {
		if row.Vendor {
			vendor++
		}
		if row.Topic.Personal() {
			w := a.do("POST", hookPath, fmt.Sprintf(`{"webhook":{"topic":%q,"address":%q}}`, row.Topic, hookAddress))
			problem(t, w, 403, bridge.CodeInsufficientScope)
			continue
		}
		a.made(string(row.Topic), "")
	}
	if vendor != 26 {
		t.Errorf("%d topics of the vendor", vendor)
	}
}

// The same request id with the same content makes one webhook.
func TestWebhookPostIsRepeatable(t *testing.T) {
	a := newAsking(t)
	body := `{"webhook":{"topic":"jobs/succeeded","address":"` + hookAddress + `"}}`
	first := one(t, a.send(shot{method: "POST", uri: hookPath, payload: body}))
	again := a.send(shot{method: "POST", uri: hookPath, payload: strings.Replace(body, ":{", ": {", 1)})
	if one(t, again) != first || again.Header().Get("Idempotent-Replayed") != "true" {
		t.Errorf("again %s", again.Body)
	}
	problem(t, a.send(shot{method: "POST", uri: hookPath, payload: strings.Replace(body, "succeeded", "failed", 1)}), 409, bridge.CodeIdempotencyConflict)
	if w := a.do("GET", hookPath+"/count", ""); !strings.Contains(w.Body.String(), `"count":1`) {
		t.Errorf("%s", w.Body)
	}
}

// The resource stands behind every check of the other routes.
func TestWebhooksAreSigned(t *testing.T) {
	a := newAsking(t)
	spoil := func(change func(*http.Request)) shot { return shot{method: "GET", uri: hookPath, after: change} }
	a.refused(spoil(func(r *http.Request) { r.Header.Del("Authorization") }), 401, bridge.CodeUnauthorized)
	a.refused(spoil(func(r *http.Request) { r.Header.Set("X-Signature", strings.Repeat("0", 64)) }), 403, bridge.CodeBadSignature)
	a.refused(spoil(func(r *http.Request) { r.Header.Del("X-Request-ID") }), 400, bridge.CodeInvalidRequest)
	a.refused(spoil(func(r *http.Request) { r.Header.Del("Accept") }), 406, bridge.CodeNotAcceptable)
	a.refused(shot{method: "POST", uri: hookPath, payload: "{}", after: func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }}, 415, bridge.CodeUnsupportedMediaType)
	a.refused(shot{method: "GET", uri: hookPath, payload: "{}"}, 400, bridge.CodeInvalidRequest)
	reading := a.token(auth.ScopeRead)
	for _, s := range []shot{{method: "POST", uri: hookPath, payload: "{}"}, {method: "DELETE", uri: hookPath + "/1"}, {method: "GET", uri: hookPath + "/1/secret"}} {
		s.after = func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+reading) }
		a.refused(s, 403, bridge.CodeInsufficientScope)
	}
	for _, uri := range []string{hookPath + "/x", hookPath + "/0", hookPath + "/-1", hookPath + "/99999999999999999999"} {
		if got := a.faults("GET", uri, ""); len(got["id"]) != 1 {
			t.Errorf("%s: %v", uri, got)
		}
	}
	problem(t, a.do("PATCH", hookPath, ""), 405, bridge.CodeMethodNotAllowed)
}

// The secrets and the log of a webhook, seen by its client alone.
func TestWebhookSecretsAndLog(t *testing.T) {
	a := newAsking(t)
	made := a.made("jobs/succeeded", "")
	uri := hookPath + "/" + strconv.FormatInt(made.ID, 10)
	var shown schemas.WebhookSecrets
	w := a.do("GET", uri+"/secret", "")
	if err := json.Unmarshal(w.Body.Bytes(), &shown); err != nil || !strings.HasPrefix(shown.Secret, "whsec_") || len(shown.WebhookToken) != 32 {
		t.Errorf("%s, %v", w.Body, err)
	}
	if strings.Contains(a.log.String(), shown.WebhookToken) || strings.Contains(a.log.String(), shown.Secret) {
		t.Error("a secret stands in the log")
	}
	if w := a.do("GET", uri+"/deliveries?state=failed", ""); w.Body.String() != `{"deliveries":[]}` {
		t.Errorf("%s", w.Body)
	}
	a.door.Gate.Clients = bridge.FixedClients{{ID: "other", Scopes: []string{auth.ScopeRead, auth.ScopeWrite}, HMACSecrets: []string{hmacSecret}}}
	token, _, err := a.door.Gate.Tokens.Issue("other", []string{auth.ScopeRead, auth.ScopeWrite})
	if err != nil {
		t.Fatal(err)
	}
	other := func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
	for _, s := range []shot{
		{method: "GET", uri: uri}, {method: "GET", uri: uri + "/secret"}, {method: "GET", uri: uri + "/deliveries"}, {method: "DELETE", uri: uri},
		{method: "PUT", uri: uri, payload: `{"webhook":{}}`},
	} {
		s.after = other
		a.refused(s, 422, bridge.CodeInvalidFields)
	}
}
