package auth

import (
	"slices"
	"strings"
)

// The scopes of the bridge. PII adds customer names and e-mail addresses to
// what an order shows; it grants no operation of its own.
const (
	ScopeRead  = "bridge:read"
	ScopeWrite = "bridge:write"
	ScopePII   = "bridge:pii"
)

// ParseScopes splits a scope string at its spaces (RFC 6749 §3.3), keeping the
// first of repeated words and their order. Unknown words are kept: whether a
// client may have one is Subset's answer, not the parser's.
func ParseScopes(text string) []string {
	scopes := []string{}
	for word := range strings.SplitSeq(text, " ") {
		if word != "" && !slices.Contains(scopes, word) {
			scopes = append(scopes, word)
		}
	}
	return scopes
}

// Subset reports whether every wanted scope is among the held ones. Wanting
// nothing is always granted.
func Subset(wanted, held []string) bool {
	for _, scope := range wanted {
		if !slices.Contains(held, scope) {
			return false
		}
	}
	return true
}
