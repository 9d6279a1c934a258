package evals

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
)

// sessionPage is the dialogue that docs/mcp.md shows.
const sessionPage = "../docs/mcp-session.txt"

// TestGoldenSession keeps the recorded session true: it is played again and must
// read the same, ids and times apart.
func TestGoldenSession(t *testing.T) {
	var page strings.Builder
	page.WriteString("An agent changes a price, follows the job, and is refused a price with tax. Recorded from the program by\ngo test ./evals; ids and times stand for those of the run.\n\n$ bridge mcp --sandbox\n")
	for _, s := range play(t, readTask(t, "tasks/recorded-session.json")) {
		page.WriteString(masked(s.shown(t)))
	}
	if *update {
		if err := os.WriteFile(sessionPage, []byte(page.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	kept, err := os.ReadFile(sessionPage)
	if err != nil {
		t.Fatal(err)
	}
	if string(kept) != page.String() {
		t.Errorf("%s is not what happens now; go test ./evals -update rewrites it.\n%s", sessionPage, differing(string(kept), page.String()))
	}
}

// shown is one exchange for a reader: what was called, the line, the content.
func (s spoken) shown(t *testing.T) string {
	t.Helper()
	var request struct {
		Params struct {
			Name      string
			Arguments json.RawMessage
		}
	}
	if err := json.Unmarshal([]byte(s.sent), &request); err != nil {
		t.Fatal(err)
	}
	var content bytes.Buffer
	if err := json.Indent(&content, s.Result.StructuredContent, "  ", "  "); err != nil {
		t.Fatal(err)
	}
	mark := "<"
	if s.Result.IsError {
		mark = "< isError:"
	}
	return fmt.Sprintf("\n# %s\n> %s %s\n%s %s\n  %s\n", s.step.Why, request.Params.Name, request.Params.Arguments, mark, s.Result.Content[0].Text, content.String())
}
