package policies

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// maxNames is how many different field names a payload may have. The contract
// knows some forty, and a language map adds a handful; reading names is the
// dear part of the check, and a hostile body could bring half a million.
const maxNames = 20_000

// member is one value of the payload together with the name it stands under.
// An array's elements stand under the array's name.
type member struct {
	key      string // as written; an element has its index instead
	index    int
	name     *spelling
	value    any
	element  bool // an array's element, which shares its array's name
	inside   bool // somewhere below a member that holds addresses
	parent   *member
	siblings map[string]any
	names    nameCache
}

// nameCache keeps the readings of the unfamiliar keys of one payload; fifty
// items repeat the same dozen.
type nameCache map[string]*spelling

func (c nameCache) read(key string) *spelling {
	if name, known := familiar()[key]; known {
		return name
	}
	name, known := c[key]
	if !known {
		name = read(key)
		c[key] = name
	}
	return name
}

// familiar holds the readings of the contract's own names, of fields and of
// operations, made once, by the first request, so that an ordinary request costs
// a few look-ups. It decides nothing: a name missing here is read like any other.
var familiar = sync.OnceValue(func() nameCache {
	names := nameCache{}
	for key := range strings.FieldsSeq(`product_id updates price_ht stock_delta seo meta_title meta_description
		link_rewrite options skip_reindex batch_id items reference name stock_quantity images_to_download active
		description create_if_missing update_if_exists skip_images_errors order_id new_status notify_customer
		tracking_number job_id wait_seconds request_id
		get_product get_order get_job_status update_product import_products update_order_status fr en de es it nl pl cs pt zh`) {
		names[key] = read(key)
	}
	return names
})

// walk visits every member of a JSON tree, parents first, keys in order so
// that the same payload always gives the same list. It gives up and returns
// false at a payload with more than maxNames names.
func walk(payload any, visit func(*member)) bool {
	names := nameCache{}
	descend(&member{value: payload, name: &spelling{}, names: names}, visit)
	return len(names) <= maxNames
}

func descend(at *member, visit func(*member)) {
	inside := at.inside || at.holdsAddresses()
	switch value := at.value.(type) {
	case map[string]any:
		for _, key := range sortedKeys(value) {
			child := &member{key: key, name: at.names.read(key), value: value[key], inside: inside, parent: at, siblings: value, names: at.names}
			if len(at.names) > maxNames {
				return
			}
			visit(child)
			descend(child, visit)
		}
	case []any:
		for i, element := range value {
			child := &member{index: i, name: at.name, value: element, element: true, inside: inside, parent: at, names: at.names}
			visit(child)
			descend(child, visit)
		}
	}
}

func sortedKeys(object map[string]any) []string {
	keys := make([]string, 0, len(object))
	for key := range object {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1")

// pointer is the member's JSON pointer, RFC 6901 §3.
func (m *member) pointer() string {
	var tokens []string
	for at := m; at.parent != nil; at = at.parent {
		if at.element {
			tokens = append(tokens, strconv.Itoa(at.index))
		} else {
			tokens = append(tokens, pointerEscapes.Replace(at.key))
		}
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
