package prestashop

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/prestashop-bridge/bridge/schemas"
)

// number is an id or a quantity: 6 on a read, "6" after a write, "" or null
// where there is none.
type number int64

// UnmarshalJSON reads any of the spellings.
func (n *number) UnmarshalJSON(raw []byte) error {
	var t text
	if err := t.UnmarshalJSON(raw); err != nil {
		return err
	}
	if t == "" {
		*n = 0
		return nil
	}
	parsed, err := strconv.ParseInt(string(t), 10, 64)
	if err != nil {
		return fmt.Errorf("%.20q is not a whole number", t)
	}
	*n = number(parsed)
	return nil
}

// flag is a yes or no: "1", 1, true, and everything empty for no.
type flag bool

// UnmarshalJSON reads any of the spellings.
func (f *flag) UnmarshalJSON(raw []byte) error {
	var t text
	if err := t.UnmarshalJSON(raw); err != nil {
		return err
	}
	*f = t != "" && t != "0"
	return nil
}

// text is any scalar as the text the shop wrote; null and false are "".
type text string

// UnmarshalJSON reads a string, a number or a literal.
func (t *text) UnmarshalJSON(raw []byte) error {
	raw = bytes.TrimSpace(raw)
	switch {
	case len(raw) == 0:
		return fmt.Errorf("empty value")
	case raw[0] == '"':
		if inside, plain := plainString(raw); plain {
			*t = text(inside)
			return nil
		}
		return json.Unmarshal(raw, (*string)(t))
	case raw[0] == '[' || raw[0] == '{':
		return fmt.Errorf("%.20s is not a plain value", raw)
	case string(raw) == "null" || string(raw) == "false":
		*t = ""
	case string(raw) == "true":
		*t = "1"
	default:
		*t = text(raw)
	}
	return nil
}

// plainString gives what is between the quotes where it stands for itself, as
// almost everywhere in an answer: a decoder for each would take longer than the
// rest of the row.
func plainString(raw []byte) (inside []byte, plain bool) {
	if len(raw) < 2 || raw[len(raw)-1] != '"' {
		return nil, false
	}
	inside = raw[1 : len(raw)-1]
	for _, c := range inside {
		if c == '\\' || c == '"' || c < ' ' {
			return nil, false
		}
	}
	return inside, utf8.Valid(inside)
}

// money reads an amount. Its form is checked, because an exponent would let a
// few bytes stand for a gigabyte of zeros.
func (t text) money() (schemas.Money, error) {
	digits := strings.TrimPrefix(string(t), "-")
	whole, fraction, _ := strings.Cut(digits, ".")
	if len(digits) > 40 || !allDigits(whole) || fraction != "" && !allDigits(fraction) {
		return schemas.Money{}, fmt.Errorf("%.40q is not an amount", t)
	}
	return schemas.ParseMoney(string(t))
}

func allDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// shopTime is how the shop writes times: in its own zone, without saying so.
const shopTime = "2006-01-02 15:04:05"

// moment spells a shop time as RFC 3339 in the shop's zone; "" for the zero
// date. Without a known zone there is no honest offset, so the local form
// stays, with a T.
func (t text) moment(zone *time.Location) string {
	if t == "" || strings.HasPrefix(string(t), "0000") {
		return ""
	}
	if zone == nil {
		return strings.Replace(string(t), " ", "T", 1)
	}
	parsed, err := time.ParseInLocation(shopTime, string(t), zone)
	if err != nil {
		return string(t)
	}
	return parsed.Format(time.RFC3339)
}

// localized is a text by language id. A shop with one language answers a bare
// string (recording 713), kept under soleLanguage.
type localized map[int64]string

const soleLanguage = 0

// UnmarshalJSON reads [{"id":1,"value":"…"}] or a bare value.
func (l *localized) UnmarshalJSON(raw []byte) error {
	*l = localized{}
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || raw[0] != '[' {
		var bare text
		if err := bare.UnmarshalJSON(raw); err != nil {
			return err
		}
		(*l)[soleLanguage] = string(bare)
		return nil
	}
	var entries []struct {
		ID    number `json:"id"`
		Value text   `json:"value"`
	}
	if err := json.Unmarshal(raw, &entries); err != nil {
		return err
	}
	for _, e := range entries {
		(*l)[int64(e.ID)] = string(e.Value)
	}
	return nil
}

// in gives the text of one language; a bare value speaks for every language,
// because a shop that answers it has only one.
func (l localized) in(language int64) string {
	if value, ok := l[language]; ok {
		return value
	}
	return l[soleLanguage]
}

// idList is an association: [{"id":2},{"id":6}]. PHP writes an empty one as
// "", [] or not at all.
type idList []int64

// UnmarshalJSON reads the list.
func (l *idList) UnmarshalJSON(raw []byte) error {
	*l = nil
	if raw = bytes.TrimSpace(raw); len(raw) == 0 || raw[0] != '[' {
		return nil
	}
	var entries []struct {
		ID number `json:"id"`
	}
	if err := json.Unmarshal(raw, &entries); err != nil {
		return err
	}
	for _, e := range entries {
		*l = append(*l, int64(e.ID))
	}
	return nil
}

// object decodes a JSON object, and leaves the zero value for the [] that PHP
// writes for an empty one.
func object(raw []byte, into any) error {
	if raw = bytes.TrimSpace(raw); len(raw) == 0 || raw[0] != '{' {
		return nil
	}
	return json.Unmarshal(raw, into)
}
