package tools

import (
	"encoding/json"
	"errors"
	"fmt"
)

// maxMembers bounds an object of the envelope; the protocol knows a handful.
const maxMembers = 64

// membersOf splits an object of valid JSON into its members without decoding or
// copying their values.
func membersOf(object []byte) (map[string]json.RawMessage, error) {
	members := map[string]json.RawMessage{}
	c := cursor{text: object}
	for {
		name, value, ok := c.member()
		if !ok {
			return members, nil
		}
		if _, twice := members[name]; twice {
			return nil, fmt.Errorf("the member %.40q is there twice", name)
		}
		if len(members) == maxMembers {
			return nil, errors.New("too many members")
		}
		members[name] = value
	}
}

// cursor walks over the members of one object. It trusts the text to be valid
// JSON; on any other text it finds nothing sensible but never runs out of it.
type cursor struct {
	text []byte
	at   int
}

// member takes the next member of the object; false at its end, and for a
// member that the text does not hold whole.
func (c *cursor) member() (name string, value json.RawMessage, ok bool) {
	for c.at < len(c.text) && c.text[c.at] != '"' {
		if c.text[c.at] == '}' {
			return "", nil, false
		}
		c.at++
	}
	if json.Unmarshal(c.value(), &name) != nil {
		return "", nil, false
	}
	for c.at < len(c.text) && (c.text[c.at] == ':' || isSpace(c.text[c.at])) {
		c.at++
	}
	value = c.value()
	return name, value, c.at < len(c.text) && len(value) > 0
}

// value takes the text of the value that begins here.
func (c *cursor) value() json.RawMessage {
	start, depth := c.at, 0
	for c.at < len(c.text) {
		switch b := c.text[c.at]; {
		case b == '"':
			c.skipString()
			if depth == 0 {
				return c.text[start:c.at]
			}
			continue
		case b == '{' || b == '[':
			depth++
		case depth == 0 && (b == ',' || b == '}' || b == ']' || isSpace(b)):
			return c.text[start:c.at] // the end of a number or word
		case b == '}' || b == ']':
			if depth--; depth == 0 {
				c.at++
				return c.text[start:c.at]
			}
		}
		c.at++
	}
	return c.text[start:c.at]
}

func (c *cursor) skipString() {
	for c.at++; c.at < len(c.text); c.at++ {
		switch c.text[c.at] {
		case '\\':
			c.at++
		case '"':
			c.at++
			return
		}
	}
	c.at = len(c.text)
}

func isSpace(b byte) bool { return b == ' ' || b == '\t' || b == '\n' || b == '\r' }
