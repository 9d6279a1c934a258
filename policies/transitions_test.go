package policies

import (
	"errors"
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestTransitionTable(t *testing.T) {
	const golden = "testdata/transitions.golden.md"
	got := TransitionTable()
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}

// What a merchant expects, spelt out apart from the golden file so that a
// regenerated file cannot take it away.
func TestTransitionsAMerchantExpects(t *testing.T) {
	for _, c := range []struct {
		from, to string
		possible bool
	}{
		{"awaiting_check_payment", "payment_accepted", true},
		{"awaiting_bank_wire", "shipped", true},
		{"awaiting_cod_validation", "processing", true},
		{"payment_error", "payment_accepted", true},
		{"payment_error", "shipped", false},
		{"payment_accepted", "processing", true},
		{"payment_accepted", "awaiting_bank_wire", false},
		{"payment_accepted", "refunded", true},
		{"awaiting_check_payment", "refunded", false},
		{"processing", "shipped", true},
		{"processing", "on_backorder_paid", true},
		{"on_backorder_paid", "shipped", true},
		{"shipped", "delivered", true},
		{"shipped", "refunded", true},
		{"shipped", "canceled", true},
		{"shipped", "processing", false},
		{"shipped", "awaiting_check_payment", false},
		{"shipped", "payment_error", false},
		{"delivered", "refunded", true},
		{"delivered", "processing", false},
		{"delivered", "payment_accepted", false},
		{"delivered", "shipped", false},
		{"delivered", "awaiting_cod_validation", false},
		{"delivered", "canceled", false},
		{"Cancelled", "PREPARATION", false},
		{"Our own state", "processing", true},
		{"delivered", "Our own state", true},
		{"", "", true},
		{"", "canceled", true},
	} {
		err := CheckTransition(c.from, c.to)
		if (err == nil) != c.possible {
			t.Errorf("%s to %s: %v", c.from, c.to, err)
		}
		var refused *TransitionError
		if err != nil && (!errors.As(err, &refused) || refused.Reason == "" || refused.Fix == "") {
			t.Errorf("%s to %s: an error without reason and fix: %v", c.from, c.to, err)
		}
	}
	for _, status := range append([]Status{"", "Our own state"}, Statuses...) {
		if err := CheckTransition(status, status); err != nil {
			t.Errorf("a repeat is refused: %v", err)
		}
		for _, closed := range []Status{Canceled, Refunded} {
			if err := CheckTransition(closed, status); err == nil && status != closed {
				t.Errorf("%s to %q is possible", closed, status)
			}
		}
	}
}

func TestCanonicalStatus(t *testing.T) {
	for word, want := range map[string]Status{
		"shipped": Shipped, "SHIPPED": Shipped, " Shipped ": Shipped, "ps_os_shipping": Shipped, "dispatched": Shipped,
		"cancelled": Canceled, "Canceled": Canceled, "CANCELLED": Canceled,
		"preparation": Processing, "preparation_in_progress": Processing, "Processing in progress": Processing, "processing-in-progress": Processing,
		"paid": PaymentAccepted, "Payment accepted": PaymentAccepted, "paymentAccepted": PaymentAccepted,
		"cheque": AwaitingCheckPayment, "Awaiting check payment": AwaitingCheckPayment, "awaiting-cheque-payment": AwaitingCheckPayment,
		"On backorder (paid)": OnBackorderPaid, "On backorder (not paid)": OnBackorderUnpaid, "Awaiting bank wire payment": AwaitingBankWire,
		"Awaiting Cash On Delivery validation": AwaitingCODValidation, "Remote payment accepted": RemotePaymentAccepted,
		"refund": Refunded, "Payment error": PaymentError, "ｓｈｉｐｐｅｄ": Shipped,
	} {
		if got, ok := CanonicalStatus(word); !ok || got != want {
			t.Errorf("CanonicalStatus(%q) = %q, %v", word, got, ok)
		}
	}
	for _, word := range []string{"", "  ", "-", "not shipped", "shipped 2", "shipped!", "Expédié", "shipped,delivered", "已发货"} {
		if got, ok := CanonicalStatus(word); ok {
			t.Errorf("CanonicalStatus(%q) = %q", word, got)
		}
	}
	for _, status := range Statuses {
		if got, ok := CanonicalStatus(status); !ok || got != status {
			t.Errorf("CanonicalStatus(%q) = %q, %v", status, got, ok)
		}
	}
}
