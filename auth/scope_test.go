package auth

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseScopes(t *testing.T) {
	for text, want := range map[string][]string{
		"":                           {},
		"  ":                         {},
		"bridge:read":                {ScopeRead},
		" bridge:write  bridge:read": {ScopeWrite, ScopeRead},
		"bridge:pii bridge:pii":      {ScopePII},
		"bridge:read\tbridge:write":  {"bridge:read\tbridge:write"},
	} {
		if diff := cmp.Diff(want, ParseScopes(text)); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

func TestSubset(t *testing.T) {
	held := []string{ScopeRead, ScopeWrite}
	if !Subset(nil, held) || !Subset(nil, nil) || !Subset([]string{ScopeWrite}, held) || !Subset(held, held) {
		t.Error("a subset is refused")
	}
	if Subset([]string{ScopeRead, ScopePII}, held) || Subset([]string{"bridge"}, held) || Subset([]string{ScopeRead}, nil) {
		t.Error("a larger set is granted")
	}
}
