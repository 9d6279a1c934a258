package sandbox

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDocs holds docs/sandbox.md to the code: its list of recordings that are
// not matched, and its table of actions.
func TestDocs(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("../../docs/sandbox.md")
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, number := range sortedKeys(unmatched) {
		want = append(want, fmt.Sprintf("| %03d | %s |", number, unmatched[number]))
	}
	excepted := regexp.MustCompile(`^\| \d{3} \| .* \|$`)
	for line := range strings.Lines(string(content)) {
		if line = strings.TrimSpace(line); excepted.MatchString(line) {
			got = append(got, line)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("recordings not matched (-code +docs):\n%s", diff)
	}
	for _, a := range []Action{NotReached(), ApplyThenCut(), ApplyThenStatus(0), ApplyThenDelay(Wait{}), DelayThenApply(Wait{}),
		Slow(Wait{}), Duplicate(), Status(0), Refuse(0, 0), Garbage(), ApplyThenTruncate(), Down()} {
		if !strings.Contains(string(content), "| `"+a.String()+"(") {
			t.Errorf("the action %s is not in the table", a)
		}
	}
}
