package bridge_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

var update = flag.Bool("update", false, "rewrite the generated documents")

// golden holds a document to what the code says.
func golden(t *testing.T, path, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s does not say what the code says; run make generate and read the difference", path)
	}
}

func TestDocsOfStates(t *testing.T) {
	var b strings.Builder
	b.WriteString("# The life of a job\n\nMade from `bridge.Moves`; the database's CHECK and the store are tested against the same table.\n\n```mermaid\nstateDiagram-v2\n")
	b.WriteString("    [*] --> accepted\n    [*] --> awaiting_approval\n")
	for _, m := range bridge.Moves {
		fmt.Fprintf(&b, "    %s --> %s\n", m.From, m.To)
	}
	for _, s := range schemas.JobStatuses {
		if s.Terminal() {
			fmt.Fprintf(&b, "    %s --> [*]\n", s)
		}
	}
	b.WriteString("```\n\n| status | terminal | business_success |\n| --- | --- | --- |\n")
	for _, s := range schemas.JobStatuses {
		success := map[bool]string{true: "false", false: "null"}[s.Terminal()]
		if s == schemas.Succeeded {
			success = "true"
		}
		fmt.Fprintf(&b, "| %s | %t | %s |\n", s, s.Terminal(), success)
	}
	golden(t, "../docs/states.md", b.String())
}

func TestDocsOfErrors(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Error codes\n\nMade from `bridge.Codes`. REST answers the status with a problem body (RFC 9457 members); MCP answers a tool result with `isError`, the same `error_code`, `rule` and `fix`.\n\n")
	b.WriteString("| error_code | HTTP | title | what to do |\n| --- | --- | --- | --- |\n")
	seen := map[bridge.Code]bool{}
	for _, row := range bridge.Codes {
		if seen[row.Code] {
			t.Errorf("%s stands twice in the table", row.Code)
		}
		seen[row.Code] = true
		if row.Status < 400 || row.Status > 599 || row.Title == "" || row.Fix == "" {
			t.Errorf("%s has no complete row: %+v", row.Code, row)
		}
		fmt.Fprintf(&b, "| `%s` | %d | %s | %s |\n", row.Code, row.Status, row.Title, row.Fix)
	}
	golden(t, "../docs/errors.md", b.String())
}

func TestOnlyAnOperatorLeavesATerminalStatus(t *testing.T) {
	byOperator := []bridge.Move{{From: schemas.Failed, To: schemas.Accepted}, {From: schemas.NeedsReview, To: schemas.Accepted}}
	left := map[schemas.JobStatus]bool{}
	for _, m := range bridge.Moves {
		if m.From.Terminal() && !slices.Contains(byOperator, m) {
			t.Errorf("%s -> %s leaves a terminal status", m.From, m.To)
		}
		left[m.From] = true
	}
	for _, s := range schemas.JobStatuses {
		if !s.Terminal() && !left[s] {
			t.Errorf("%s is not terminal and cannot be left", s)
		}
	}
}
