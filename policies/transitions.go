package policies

import (
	"fmt"
	"slices"
	"strings"
)

// impossible is one block of the transition table: no order goes from one of
// these statuses to one of those.
type impossible struct {
	from, to []Status
	reason   string
	fix      string
}

var (
	awaitingPayment = []Status{AwaitingCheckPayment, AwaitingBankWire, AwaitingCODValidation}
	booked          = []Status{PaymentAccepted, RemotePaymentAccepted, OnBackorderPaid, Processing}
	beforeShipping  = slices.Concat(awaitingPayment, booked, []Status{PaymentError, OnBackorderUnpaid})
)

// impossibles is the transition table. It lists what cannot be true of an
// order, not what a merchant would rather avoid: a merchant's own limits come
// on top. What it does not list is possible, jumps included, because merchants
// do hand goods over the counter and prepare orders before a cheque arrives.
// PrestaShop itself refuses nothing, and each wrong jump moves money or stock:
// a paid state books a payment, canceled and payment_error put goods back.
var impossibles = []impossible{
	{
		[]Status{Canceled}, anyOther(Canceled),
		"a canceled order is closed and its stock is back on sale",
		"ask the merchant to create a new order in the shop",
	},
	{
		[]Status{Refunded}, anyOther(Refunded),
		"a refunded order is closed and its money has been returned",
		"ask the merchant to create a new order in the shop",
	},
	{
		[]Status{Delivered}, append(slices.Clone(beforeShipping), Shipped),
		"the goods have reached the customer",
		"only refunded can follow delivered",
	},
	{
		[]Status{Delivered}, []Status{Canceled},
		"the goods have reached the customer, there is nothing left to cancel",
		"use refunded",
	},
	{
		[]Status{Shipped}, beforeShipping,
		"the goods have left the shop",
		"only delivered, canceled (the parcel came back) or refunded can follow shipped",
	},
	{
		booked, append(slices.Clone(awaitingPayment), OnBackorderUnpaid),
		"its payment has been booked",
		"use payment_error if the payment was reversed, or refunded if the money was returned",
	},
	{
		append(slices.Clone(awaitingPayment), PaymentError, OnBackorderUnpaid), []Status{Refunded},
		"nothing has been paid, so nothing can be refunded",
		"use canceled",
	},
	{
		[]Status{PaymentError}, []Status{Shipped, Delivered},
		"its payment failed",
		"use payment_accepted first, once the money is there",
	},
}

// anyOther is every status but this one, the shop's own ("") included.
func anyOther(status Status) []Status {
	others := slices.DeleteFunc(slices.Clone(Statuses), func(other Status) bool { return other == status })
	return append(others, "")
}

// TransitionError says why an order cannot go from one status to another.
type TransitionError struct {
	From, To Status
	Reason   string
	Fix      string
}

func (e *TransitionError) Error() string {
	return fmt.Sprintf("an order cannot go from %s to %s: %s", shown(e.From), shown(e.To), e.Reason)
}

func shown(status Status) string {
	if status == "" {
		return "a state of the shop's own"
	}
	return status
}

// CheckTransition passes a possible change of status; the error is a
// *TransitionError. Staying in the same status is always possible: it is a
// repeat, and a repeat changes nothing. A status that is not one of ours ("",
// or a name the shop invented) is possible on either side, except that nothing
// leaves canceled and refunded.
func CheckTransition(from, to string) error {
	from, _ = CanonicalStatus(from)
	to, _ = CanonicalStatus(to)
	if from == to {
		return nil
	}
	for _, rule := range impossibles {
		if slices.Contains(rule.from, from) && slices.Contains(rule.to, to) {
			return &TransitionError{From: from, To: to, Reason: rule.reason, Fix: rule.fix}
		}
	}
	return nil
}

// TransitionTable draws the table as Markdown for the documents: a row is the
// status an order is in, a column the one it would go to.
func TransitionTable() string {
	var out strings.Builder
	all := append(slices.Clone(Statuses), "")
	out.WriteString("| from \\ to |")
	for _, to := range all {
		out.WriteString(" " + columnName(to) + " |")
	}
	out.WriteString("\n|---" + strings.Repeat("|---", len(all)) + "|\n")
	for _, from := range all {
		out.WriteString("| " + columnName(from) + " |")
		for _, to := range all {
			out.WriteString(" " + sign(from, to) + " |")
		}
		out.WriteString("\n")
	}
	out.WriteString("\n`=` stays · `yes` possible · `no` refused\n")
	return out.String()
}

func columnName(status Status) string {
	if status == "" {
		return "*(shop's own)*"
	}
	return status
}

func sign(from, to Status) string {
	switch {
	case from == to && from != "":
		return "="
	case CheckTransition(from, to) == nil:
		return "yes"
	}
	return "no"
}
