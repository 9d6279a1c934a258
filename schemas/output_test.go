package schemas_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	santhosh "github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/prestashop-bridge/bridge/schemas"
)

func money(t testing.TB, text string) schemas.Money {
	t.Helper()
	m, err := schemas.ParseMoney(text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// answers are empty values, whose nil lists and pointers are what goes wrong,
// and full ones.
func answers(t testing.TB) map[string][]any {
	now := time.Date(2026, 3, 21, 9, 0, 0, 123000, time.UTC)
	return map[string][]any{
		"product": {
			schemas.Product{},
			schemas.Product{
				ID: 123, Reference: "demo_11", Active: true, PriceHT: money(t, "11.900000"), TaxRulesGroupID: 1,
				Names:  map[string]string{"en": "Mug", "fr": "Tasse"},
				SEO:    map[string]schemas.SEOFields{"en": {MetaTitle: "Mug", LinkRewrite: "mug"}},
				Stock:  schemas.Stock{Quantity: -3, HasCombinations: true, Combinations: []schemas.CombinationStock{{ID: 1, Quantity: 2}}},
				Images: []int64{6}, Categories: []int64{2, 6}, UpdatedAt: "2026-11-22T09:03:08+01:00",
			},
		},
		"order": {
			schemas.Order{},
			schemas.Order{
				ID: 456, Reference: "XKBKNABJK", Status: schemas.OrderStatus{ID: 4, Key: "shipped", Name: "Expédié", Paid: true, Shipped: true},
				Totals:    schemas.OrderTotals{TaxIncl: money(t, "61.80"), TaxExcl: money(t, "-1"), Currency: "EUR"},
				Lines:     []schemas.OrderLine{{ProductID: 1, Name: "Mug", Quantity: 1, UnitTaxIncl: money(t, "14.28")}},
				Carrier:   &schemas.OrderCarrier{ID: 5, CarrierID: 2, Name: "My carrier", TrackingNumber: "TRK123456"},
				History:   []schemas.OrderChange{{ID: 1, StatusID: 4, Key: "shipped", At: "2026-03-21T09:00:00Z"}},
				Customer:  &schemas.OrderCustomer{ID: 2, FirstName: "John", LastName: "Doe", Email: "pub@example.com"},
				CreatedAt: "2026-03-21T09:00:00Z", UpdatedAt: "2026-03-21T09:00:00Z",
			},
		},
		"job": {
			schemas.Job{Status: schemas.Accepted, AcceptedAt: now},
			schemas.Job{
				JobID: "550e8400-e29b-41d4-a716-446655440000", Kind: "update_product", Status: schemas.Succeeded, Attempts: 1, MaxAttempts: 5,
				AcceptedAt: now, StartedAt: &now, FinishedAt: &now, NextAttemptAt: &now, Progress: schemas.Progress{Done: 1, Total: 1},
				Steps:  []schemas.JobStep{{Name: "price", Target: "product:1", State: "applied", Before: json.RawMessage(`"11.9"`), After: json.RawMessage(`{"a":[1]}`)}},
				Result: json.RawMessage(`{"price_ht":25.5}`), TrackingURL: "/v1/jobs/550e8400-e29b-41d4-a716-446655440000",
			},
			schemas.Job{Status: schemas.NeedsReview, AcceptedAt: now, Error: &schemas.JobError{Code: "unclear", Message: "m", Fix: "f"}},
		},
		"acceptance": {
			schemas.Acceptance{Status: schemas.Accepted},
			schemas.Acceptance{JobID: "550e8400-e29b-41d4-a716-446655440000", Status: schemas.AwaitingApproval, PollAfterSeconds: 2, Job: json.RawMessage(`{"a":1}`)},
		},
	}
}

func TestAnswersFitTheirSchemas(t *testing.T) {
	for name, values := range answers(t) {
		outline := compileOutline(t, name)
		for _, value := range values {
			doc, err := schemas.DocumentOf(value)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if faults := schemas.Output(name).Validate(doc); faults != nil {
				t.Errorf("%s %s: %v", name, doc.Raw(), faults)
			}
			if err := outline.Validate(doc.Value()); err != nil {
				t.Errorf("outline of %s: %v", name, err)
			}
		}
	}
}

func compileOutline(t *testing.T, name string) *santhosh.Schema {
	t.Helper()
	resource, err := santhosh.UnmarshalJSON(bytes.NewReader(schemas.Output(name).Outline()))
	if err != nil {
		t.Fatal(err)
	}
	compiler := santhosh.NewCompiler()
	if err := compiler.AddResource("test:///"+name, resource); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("test:///" + name)
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// TestAnswersAreHeldToTheirSchemas proves that the schemas of answers refuse
// something.
func TestAnswersAreHeldToTheirSchemas(t *testing.T) {
	for _, tc := range []struct{ schema, body, want string }{
		{"acceptance", `{"job_id":"x","status":"accepted","business_success":null,"tracking_url":"/","poll_after_seconds":"2","message":"m","ok":1}`, "/ok additionalProperties\n/poll_after_seconds type"},
		{"job", `{"status":"done"}`, "/accepted_at required\n/attempts required\n/business_success required\n/error required\n/finished_at required\n/job_id required\n/kind required\n/max_attempts required\n/next_attempt_at required\n/progress required\n/result required\n/started_at required\n/status enum\n/steps required\n/terminal required\n/tracking_url required"},
	} {
		if got := brief(schemas.Output(tc.schema).Validate(parse(t, tc.body))); got != tc.want {
			t.Errorf("%s: got\n%s\nwant\n%s", tc.schema, got, tc.want)
		}
	}
}

// TestAcceptedIsNotSuccess holds for every status of a job and for an
// acceptance.
func TestAcceptedIsNotSuccess(t *testing.T) {
	for _, status := range schemas.JobStatuses {
		raw, err := json.Marshal(schemas.Job{Status: status})
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			Terminal bool  `json:"terminal"`
			Success  *bool `json:"business_success"`
		}
		if err := json.Unmarshal(raw, &got); err != nil {
			t.Fatal(err)
		}
		if got.Terminal != status.Terminal() || (got.Success != nil) != status.Terminal() {
			t.Errorf("%s: terminal %v, business_success %v", status, got.Terminal, got.Success)
		}
		if got.Success != nil && *got.Success != (status == schemas.Succeeded) {
			t.Errorf("%s: business_success %v", status, *got.Success)
		}
		raw, err = json.Marshal(schemas.Acceptance{Status: status})
		if err != nil || !strings.Contains(string(raw), `"business_success":null`) {
			t.Errorf("acceptance in %s: %s %v", status, raw, err)
		}
	}
}

func TestProblemErrorsIsAnObject(t *testing.T) {
	raw, err := json.Marshal(schemas.Problem{Status: 404})
	if err != nil || !strings.Contains(string(raw), `"errors":{}`) {
		t.Errorf("got %s %v", raw, err)
	}
}
