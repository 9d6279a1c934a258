package schemas

import (
	"errors"
	"strings"
)

// The bounds of a number on the wire. No amount, quantity or id comes near
// them; they keep 1e999999999 from becoming a gigabyte of zeros.
const (
	maxNumberText     = 40
	maxNumberExponent = 30
)

var (
	errNotANumber     = errors.New("not a JSON number")
	errNumberTooLarge = errors.New("number too long")
)

// numberLength gives how many bytes at the start of text form one JSON number
// (RFC 8259 section 6), 0 if none do.
func numberLength[T string | []byte](text T) int {
	at := 0
	if at < len(text) && text[at] == '-' {
		at++
	}
	whole := digitsFrom(text, at)
	if whole == 0 || whole > 1 && text[at] == '0' {
		return 0
	}
	at += whole
	if at < len(text) && text[at] == '.' {
		fraction := digitsFrom(text, at+1)
		if fraction == 0 {
			return 0
		}
		at += 1 + fraction
	}
	if at < len(text) && (text[at] == 'e' || text[at] == 'E') {
		at++
		if at < len(text) && (text[at] == '+' || text[at] == '-') {
			at++
		}
		exponent := digitsFrom(text, at)
		if exponent == 0 {
			return 0
		}
		at += exponent
	}
	return at
}

func digitsFrom[T string | []byte](text T, at int) int {
	n := 0
	for at+n < len(text) && text[at+n] >= '0' && text[at+n] <= '9' {
		n++
	}
	return n
}

// canonicalNumber gives the one spelling of a number: no exponent, no
// needless zero, no negative zero. 25.50 and 2.55e1 become 25.5. It works on
// the digits, so nothing is rounded and nothing grows.
func canonicalNumber(text string) (string, error) {
	if len(text) > maxNumberText {
		return "", errNumberTooLarge
	}
	if text == "" || numberLength(text) != len(text) {
		return "", errNotANumber
	}
	unsigned, negative := strings.CutPrefix(text, "-")
	mantissa, power, _ := strings.Cut(strings.ToLower(unsigned), "e")
	exponent, ok := boundedExponent(power)
	if !ok {
		return "", errNumberTooLarge
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	// point is where the decimal point stands, counted from the first digit.
	point := len(whole) + exponent - (len(whole) + len(fraction) - len(digits))
	digits = strings.TrimRight(digits, "0")
	if digits == "" {
		return "0", nil
	}
	plain := placePoint(digits, point)
	if negative {
		plain = "-" + plain
	}
	// A canonical number must itself be readable, so it keeps the same bound.
	if len(plain) > maxNumberText {
		return "", errNumberTooLarge
	}
	return plain, nil
}

func placePoint(digits string, point int) string {
	switch {
	case point <= 0:
		return "0." + strings.Repeat("0", -point) + digits
	case point >= len(digits):
		return digits + strings.Repeat("0", point-len(digits))
	}
	return digits[:point] + "." + digits[point:]
}

// boundedExponent reads an exponent part such as "+05"; an absent one is 0.
func boundedExponent(power string) (int, bool) {
	digits, negative := strings.CutPrefix(power, "-")
	digits = strings.TrimLeft(strings.TrimPrefix(digits, "+"), "0")
	if len(digits) > 2 {
		return 0, false
	}
	n := 0
	for _, digit := range digits {
		n = n*10 + int(digit-'0')
	}
	if n > maxNumberExponent {
		return 0, false
	}
	if negative {
		n = -n
	}
	return n, true
}
