package policies

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// member is one value of the payload together with the name it stands under.
// An array's elements stand under the array's name.
type member struct {
	token    string // the last token of the JSON pointer
	name     spelling
	value    any
	element  bool // an array's element, which shares its array's name
	parent   *member
	siblings map[string]any
	names    nameCache
}

// nameCache keeps the readings of the keys of one payload; fifty items repeat
// the same dozen keys.
type nameCache map[string]spelling

func (c nameCache) read(key string) spelling {
	name, known := c[key]
	if !known {
		name = read(key)
		c[key] = name
	}
	return name
}

// walk visits every member of a JSON tree, parents first, keys in order so
// that the same payload always gives the same list.
func walk(payload any, visit func(*member)) {
	descend(&member{value: payload, names: nameCache{}}, visit)
}

func descend(at *member, visit func(*member)) {
	switch value := at.value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			child := &member{token: key, name: at.names.read(key), value: value[key], parent: at, siblings: value, names: at.names}
			visit(child)
			descend(child, visit)
		}
	case []any:
		for i, element := range value {
			child := &member{token: strconv.Itoa(i), name: at.name, value: element, element: true, parent: at, names: at.names}
			visit(child)
			descend(child, visit)
		}
	}
}

var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1")

// pointer is the member's JSON pointer, RFC 6901 §3.
func (m *member) pointer() string {
	var tokens []string
	for at := m; at.parent != nil; at = at.parent {
		tokens = append(tokens, pointerEscapes.Replace(at.token))
	}
	slices.Reverse(tokens)
	return "/" + strings.Join(tokens, "/")
}

// container is the nearest member around m that has a name of its own: an
// element's object stands in an array, which stands under a key.
func (m *member) container() *member {
	at := m.parent
	for at != nil && at.element {
		at = at.parent
	}
	return at
}

// affirmed reports whether a value switches something on or carries content.
func affirmed(value any) bool {
	switch v := value.(type) {
	case nil:
		return false
	case bool:
		return v
	case json.Number:
		number, err := v.Float64()
		return err != nil || number != 0
	case float64:
		return v != 0
	case string:
		word := plainWord(v)
		return word != "" && word != "null" && word != "none" && word != "never" && !denies(word)
	case map[string]any:
		return len(v) > 0
	case []any:
		return len(v) > 0
	}
	return true
}

// denied reports whether a value plainly says no.
func denied(value any) bool {
	switch v := value.(type) {
	case bool:
		return !v
	case string:
		return denies(plainWord(v))
	}
	return false
}

func denies(word string) bool {
	return word == "false" || word == "no" || word == "non" || word == "off" || word == "0" || word == "n" || word == "f"
}

func plainWord(text string) string {
	return strings.ToLower(strings.TrimSpace(fold(text)))
}
