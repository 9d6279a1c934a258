package sandbox

import (
	"slices"
	"strings"
)

// methods are those the webservice knows, in the order the root list shows
// their grants (001).
var methods = []string{"GET", "PUT", "POST", "PATCH", "DELETE", "HEAD"}

// Rights are the methods granted per resource.
type Rights map[string][]string

// Key is a webservice key.
type Key struct {
	Value    string
	Rights   Rights
	Disabled bool
}

// FullKey is a key with every method on every resource.
func FullKey(value string) Key {
	rights := Rights{}
	for _, e := range entries {
		rights[e.name] = methods
	}
	return Key{Value: value, Rights: rights}
}

// account is what the shop remembers of a key.
type account struct {
	rights   Rights
	disabled bool
}

// AddKey adds a key or replaces the one with the same value.
func (s *Shop) AddKey(k Key) {
	rights := make(Rights, len(k.Rights))
	for resource, granted := range k.Rights {
		rights[resource] = slices.Clone(granted)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	// The key column compares without case: a key in lower case is let in (060).
	s.keys[strings.ToLower(k.Value)] = &account{rights: rights, disabled: k.Disabled}
}

// account returns the account of a key, or nil if it is unknown or disabled;
// the shop does not tell the two apart (054, 057).
func (s *Shop) account(value string) *account {
	a := s.keys[strings.ToLower(value)]
	if a == nil || a.disabled {
		return nil
	}
	return a
}
