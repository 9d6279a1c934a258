package prestashop

import (
	"bytes"
	"encoding/json"
)

// A product's answer has some sixty members, of which a dozen are wanted, most
// of them lists of their own. encoding/json looks at each byte once for every
// list around it, and more. What is read on every read of a product is taken
// here from text that is known to be valid JSON, in one pass, member by member.
// Anything unusual, such as an escape in a name, is left to encoding/json: what
// an answer means is the library's to say (FuzzDecodeRows holds the two
// together).

// membered is a row that knows its members by name. Names it does not want it
// passes over; an error means that the library has to look.
type membered interface {
	member(name, value []byte) error
}

// quickRows reads a list of objects; false where the library has to.
func quickRows[T any](valid []byte) (rows []T, ok bool) {
	rows = []T{}
	for rest := inside(valid, '['); ; {
		_, value, after, found := nextPart(rest, false)
		if !found {
			return rows, rest != nil
		}
		var row T
		target, is := any(&row).(membered)
		if !is || !quickMembers(value, target) {
			return nil, false
		}
		rows, rest = append(rows, row), after
	}
}

// quickMembers gives an object's members to a row; false where the library has
// to.
func quickMembers(valid []byte, row membered) bool {
	for rest := inside(valid, '{'); ; {
		name, value, after, found := nextPart(rest, true)
		if !found {
			return rest != nil
		}
		if !usual(name) || row.member(name, value) != nil {
			return false
		}
		rest = after
	}
}

// usual names can be compared byte by byte. The library compares without
// regard to case, and reads escapes.
func usual(name []byte) bool {
	for _, c := range name {
		if c != '_' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// inside gives what stands in an array or object; nil for anything else.
func inside(valid []byte, open byte) []byte {
	valid = bytes.TrimSpace(valid)
	if len(valid) < 2 || valid[0] != open {
		return nil
	}
	return valid[1 : len(valid)-1]
}

// nextPart takes the next element, or the next member with its name, off the
// inside of an array or object.
func nextPart(rest []byte, named bool) (name, value, after []byte, found bool) {
	rest = bytes.TrimLeft(rest, " \t\r\n,")
	if len(rest) == 0 {
		return nil, nil, nil, false
	}
	if named {
		end := valueEnd(rest)
		name, rest = rest[1:end-1], bytes.TrimLeft(rest[end:], " \t\r\n:")
	}
	end := valueEnd(rest)
	return name, rest[:end], rest[end:], true
}

// valueEnd is where the value at the start of valid JSON ends.
func valueEnd(valid []byte) int {
	depth := 0
	for at := 0; at < len(valid); at++ {
		switch valid[at] {
		case '"':
			at += textEnd(valid[at:])
		case '[', '{':
			depth++
			continue
		case ']', '}':
			depth--
		default:
			if depth > 0 {
				continue
			}
			return at + scalarEnd(valid[at:])
		}
		if depth == 0 {
			return at + 1
		}
	}
	return len(valid)
}

// textEnd is the distance to the closing quote.
func textEnd(valid []byte) int {
	for at := 1; at < len(valid); at++ {
		switch valid[at] {
		case '\\':
			at++
		case '"':
			return at
		}
	}
	return len(valid) - 1
}

// scalarEnd is where a number or literal ends.
func scalarEnd(valid []byte) int {
	if end := bytes.IndexAny(valid, ",]} \t\r\n"); end >= 0 {
		return end
	}
	return len(valid)
}

// listed reads a list of objects that is valid JSON, in whichever way can.
func listed[T any](valid []byte) (rows []T, err error) {
	if rows, ok := quickRows[T](valid); ok {
		return rows, nil
	}
	err = json.Unmarshal(valid, &rows)
	return rows, err
}
