package policies

import (
	"strings"
	"unicode"
)

// Status is the canonical word for one of PrestaShop's own order states; ""
// stands for any state a shop invented.
type Status = string

// The canonical words, in the order of PrestaShop's default state ids 1 to 13.
const (
	AwaitingCheckPayment  Status = "awaiting_check_payment"
	PaymentAccepted       Status = "payment_accepted"
	Processing            Status = "processing"
	Shipped               Status = "shipped"
	Delivered             Status = "delivered"
	Canceled              Status = "canceled"
	Refunded              Status = "refunded"
	PaymentError          Status = "payment_error"
	OnBackorderPaid       Status = "on_backorder_paid"
	AwaitingBankWire      Status = "awaiting_bank_wire"
	RemotePaymentAccepted Status = "remote_payment_accepted"
	OnBackorderUnpaid     Status = "on_backorder_unpaid"
	AwaitingCODValidation Status = "awaiting_cod_validation"
)

// Statuses lists the canonical words.
var Statuses = []Status{
	AwaitingCheckPayment, PaymentAccepted, Processing, Shipped, Delivered, Canceled, Refunded,
	PaymentError, OnBackorderPaid, AwaitingBankWire, RemotePaymentAccepted, OnBackorderUnpaid, AwaitingCODValidation,
}

// statusAliases are other words for the canonical ones: the configuration keys
// by which PrestaShop knows its states, the English names it ships with, and
// what agents say. Spaces stand for any separator.
var statusAliases = map[Status]string{
	AwaitingCheckPayment:  "PS_OS_CHEQUE,cheque,check,awaiting check,awaiting cheque,awaiting cheque payment",
	PaymentAccepted:       "PS_OS_PAYMENT,paid,payment received,payment confirmed,accepted payment",
	Processing:            "PS_OS_PREPARATION,preparation,preparing,in preparation,preparation in progress,processing in progress,in process",
	Shipped:               "PS_OS_SHIPPING,dispatched,sent,shipment sent",
	Delivered:             "PS_OS_DELIVERED",
	Canceled:              "PS_OS_CANCELED,cancelled,cancel",
	Refunded:              "PS_OS_REFUND,refund",
	PaymentError:          "PS_OS_ERROR,payment failed,failed payment",
	OnBackorderPaid:       "PS_OS_OUTOFSTOCK_PAID,backorder paid,out of stock paid",
	AwaitingBankWire:      "PS_OS_BANKWIRE,bankwire,bank wire,wire,awaiting bank wire payment,awaiting wire payment,awaiting bank transfer",
	RemotePaymentAccepted: "PS_OS_WS_PAYMENT,remote payment",
	OnBackorderUnpaid:     "PS_OS_OUTOFSTOCK_UNPAID,backorder unpaid,on backorder not paid,backorder not paid,out of stock unpaid",
	AwaitingCODValidation: "PS_OS_COD_VALIDATION,cod,cod validation,awaiting cash on delivery validation,awaiting cash on delivery",
}

var statusByLetters = func() map[string]Status {
	index := map[string]Status{}
	for _, status := range Statuses {
		index[statusLetters(status)] = status
		for alias := range strings.SplitSeq(statusAliases[status], ",") {
			index[statusLetters(alias)] = status
		}
	}
	return index
}()

// CanonicalStatus finds the canonical word for a status however it is cased,
// spaced or hyphenated. A word it does not know may still be the name of a
// state the shop invented; only the shop can tell.
func CanonicalStatus(word string) (Status, bool) {
	status, known := statusByLetters[statusLetters(word)]
	return status, known
}

// statusLetters keeps letters and digits; a word with any other sign than
// separators and brackets is nobody's alias, and spelt as itself.
func statusLetters(word string) string {
	var out strings.Builder
	for _, r := range fold(word) {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r):
			out.WriteRune(unicode.ToLower(r))
		case strings.ContainsRune(" -_.()", r):
		default:
			return ""
		}
	}
	return out.String()
}
