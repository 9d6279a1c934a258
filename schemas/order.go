package schemas

import "encoding/json"

// Order is what get_order answers. Times are RFC 3339 in the shop's zone.
// Customer is present only for a client that holds bridge:pii.
type Order struct {
	ID        int64          `json:"id"`
	Reference string         `json:"reference"`
	Status    OrderStatus    `json:"status"`
	Totals    OrderTotals    `json:"totals"`
	Lines     []OrderLine    `json:"lines"`
	Carrier   *OrderCarrier  `json:"carrier" jsonschema:"nullable" jsonschema_description:"null for virtual goods."`
	History   []OrderChange  `json:"history"`
	Customer  *OrderCustomer `json:"customer,omitempty"`
	CreatedAt string         `json:"created_at"`
	UpdatedAt string         `json:"updated_at"`
}

// MarshalJSON writes no lines and no history as empty lists.
func (o Order) MarshalJSON() ([]byte, error) {
	type plain Order
	o.Lines, o.History = nonNil(o.Lines), nonNil(o.History)
	return json.Marshal(plain(o))
}

// OrderStatus is the state an order is in. Key is the canonical word
// (shipped, delivered, ...), empty for a state the shop invented.
type OrderStatus struct {
	ID      int64  `json:"id"`
	Key     string `json:"key"`
	Name    string `json:"name"`
	Paid    bool   `json:"paid"`
	Shipped bool   `json:"shipped"`
}

// OrderTotals are in the order's own currency (ISO 4217).
type OrderTotals struct {
	TaxIncl  Money  `json:"tax_incl"`
	TaxExcl  Money  `json:"tax_excl"`
	Currency string `json:"currency"`
}

// OrderLine is one ordered product; prices are per unit.
type OrderLine struct {
	ProductID     int64  `json:"product_id"`
	CombinationID int64  `json:"combination_id"`
	Reference     string `json:"reference"`
	Name          string `json:"name"`
	Quantity      int64  `json:"quantity"`
	UnitTaxIncl   Money  `json:"unit_tax_incl"`
	UnitTaxExcl   Money  `json:"unit_tax_excl"`
}

// OrderCarrier is how the order travels; ID is the order_carriers row.
type OrderCarrier struct {
	ID             int64  `json:"id"`
	CarrierID      int64  `json:"carrier_id"`
	Name           string `json:"name"`
	TrackingNumber string `json:"tracking_number"`
}

// OrderChange is one row of the order's history, oldest first.
type OrderChange struct {
	ID         int64  `json:"id"`
	StatusID   int64  `json:"status_id"`
	Key        string `json:"key"`
	Name       string `json:"name"`
	EmployeeID int64  `json:"employee_id"`
	At         string `json:"at"`
}

// OrderCustomer is personal data, shown only with the scope bridge:pii.
type OrderCustomer struct {
	ID        int64  `json:"id"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	Email     string `json:"email"`
}
