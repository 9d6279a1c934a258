package schemas

import (
	"bytes"
	"fmt"

	"github.com/shopspring/decimal"
)

// The bounds of a price on the wire: at most 15 significant digits, so that
// any JSON number reader carries it exactly.
const (
	MaxPrice         = 999999999
	MaxPriceDecimals = 6
	MaxPriceDigits   = 15
)

// Money is an exact decimal amount. It is a JSON number on the wire and never
// a float inside.
type Money struct{ d decimal.Decimal }

// ParseMoney reads a decimal such as "25.50" or PrestaShop's "25.500000", in
// the spelling of a JSON number and within its bounds, so that no exponent can
// make the amount larger in memory than its text.
func ParseMoney(text string) (Money, error) {
	canonical, err := canonicalNumber(text)
	if err != nil {
		return Money{}, fmt.Errorf("%q is not a decimal number: %w", clip(text), err)
	}
	d, err := decimal.NewFromString(canonical)
	if err != nil {
		return Money{}, fmt.Errorf("%q is not a decimal number", clip(text))
	}
	return Money{d}, nil
}

// Equal compares amounts, not spellings: 25.5 equals 25.500000.
func (m Money) Equal(other Money) bool { return m.d.Equal(other.d) }

// Decimal gives the amount for arithmetic.
func (m Money) Decimal() decimal.Decimal { return m.d }

// String is the shortest exact spelling: "25.5".
func (m Money) String() string { return m.d.String() }

// Fixed spells the amount with six decimals, the form PrestaShop stores.
func (m Money) Fixed() string { return m.d.StringFixed(MaxPriceDecimals) }

// MarshalJSON writes a JSON number with no exponent.
func (m Money) MarshalJSON() ([]byte, error) { return []byte(m.d.String()), nil }

// UnmarshalJSON reads a JSON number; a string is refused, as the contract
// says number.
func (m *Money) UnmarshalJSON(raw []byte) error {
	if len(raw) == 0 || bytes.ContainsAny(raw[:1], `"ntf[{`) {
		return fmt.Errorf("want a JSON number, got %.20s", raw)
	}
	parsed, err := ParseMoney(string(raw))
	if err != nil {
		return err
	}
	*m = parsed
	return nil
}
