package rest

import (
	"slices"
	"strings"
	"testing"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
)

// Every route is in the document and the other way round.
func TestEveryRouteIsDocumented(t *testing.T) {
	door := Door{Gate: &bridge.Gate{Tokens: &auth.Issuer{}}, BaseURL: "https://bridge.example"}
	described := 0
	for _, operations := range describe(&door).Paths {
		described += len(operations)
	}
	for _, r := range door.routes() {
		if _, found := describe(&door).Paths[r.pattern][strings.ToLower(r.method)]; !found {
			t.Errorf("%s %s is served and not documented", r.method, r.pattern)
		}
		described--
	}
	if described != 0 {
		t.Errorf("%d documented operations are not served", described)
	}
}

// Every code a door can answer stands under its status. The rest never leaves
// as an answer: 405 is for methods without an operation, two only stand in a
// job's error, the last is told by a door whose bridge is elsewhere.
func TestEveryCodeIsDocumented(t *testing.T) {
	elsewhere := []bridge.Code{bridge.CodeMethodNotAllowed, bridge.CodeOutcomeUnknown, bridge.CodeAttemptsExhausted, bridge.CodeBridgeUnavailable}
	for _, row := range bridge.Codes {
		found := slices.Contains(elsewhere, row.Code)
		for _, r := range refusals {
			if !slices.Contains(r.codes, row.Code) {
				continue
			}
			if found || r.status != row.Status {
				t.Errorf("%s stands under %d", row.Code, r.status)
			}
			found = true
		}
		if !found {
			t.Errorf("%s is not documented", row.Code)
		}
	}
}

// Every operation shows one of the contract's own signature examples.
func TestEveryOperationHasItsExample(t *testing.T) {
	for _, op := range bridge.Operations {
		if published(op).Signature == "" {
			t.Errorf("%s has none", op.Name)
		}
	}
}
