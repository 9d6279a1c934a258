package tools

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
)

const surfaceFolder = "testdata/surface"

// surface is what a client with all scopes is shown, one snapshot a file.
func surface(t *testing.T) map[string][]byte {
	t.Helper()
	all := bridge.Actor{ClientID: "all", Scopes: []string{auth.ScopeRead, auth.ScopeWrite, auth.ScopePII}}
	p := openPipe(t, newWorld().door(), all)
	files := map[string][]byte{"instructions.txt": []byte(instructions + "\n")}
	for _, list := range []struct{ method, member, prefix string }{
		{"tools/list", "tools", "tool_"},
		{"prompts/list", "prompts", "prompt_"},
		{"resources/list", "resources", "resource_"},
		{"resources/templates/list", "resourceTemplates", "template_"},
	} {
		var answer struct{ Result map[string]json.RawMessage }
		if err := json.Unmarshal([]byte(p.ask(`{"jsonrpc":"2.0","id":1,"method":"`+list.method+`"}`)), &answer); err != nil {
			t.Fatal(err)
		}
		var entries []json.RawMessage
		if err := json.Unmarshal(answer.Result[list.member], &entries); err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			var named struct{ Name string }
			if err := json.Unmarshal(entry, &named); err != nil || named.Name == "" {
				t.Fatalf("%v in %s", err, entry)
			}
			files[list.prefix+named.Name+".json"] = indented(t, entry)
		}
	}
	for _, recipe := range prompts { // what a prompt says is part of it
		files["prompt_"+recipe.name+".txt"] = []byte(recipe.text + "\n")
	}
	return files
}

// fingerprint is the SHA-256 of all snapshots, names included.
func fingerprint(files map[string][]byte) string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(h, "%s %d\n", name, len(files[name]))
		h.Write(files[name])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// register holds a version's fingerprint against the ledger, one line a
// version, oldest first. A version once recorded stands for its fingerprint for
// good; a new one is added only when adding is allowed.
func register(ledger string, version int, print string, adding bool) (string, error) {
	lines := strings.Split(strings.TrimSuffix(ledger, "\n"), "\n")
	if ledger == "" {
		lines = nil
	}
	for i, line := range lines {
		if number, _, ok := strings.Cut(line, " "); !ok || number != fmt.Sprint(i+1) {
			return ledger, fmt.Errorf("the ledger's line %d is not about version %d", i+1, i+1)
		}
	}
	entry := fmt.Sprintf("%d %s", version, print)
	switch {
	case version > 0 && version == len(lines) && lines[version-1] == entry:
		return ledger, nil
	case version > 0 && version <= len(lines):
		return ledger, fmt.Errorf("the surface is not the one recorded as version %d, or that version is not the newest: set SurfaceVersion to %d, then run the test with -update", version, len(lines)+1)
	case version != len(lines)+1:
		return ledger, fmt.Errorf("SurfaceVersion is %d, the next one is %d", version, len(lines)+1)
	case !adding:
		return ledger, errors.New("this version is not recorded yet: run the test with -update")
	}
	return strings.Join(append(lines, entry), "\n") + "\n", nil
}

// TestSurfaceSnapshot: whatever a model is shown stands in a file each, and a
// change of it needs a new version; -update records that, and refuses to give
// an old version another meaning.
func TestSurfaceSnapshot(t *testing.T) {
	files := surface(t)
	path := filepath.Join(surfaceFolder, "versions.txt")
	ledger, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	next, err := register(string(ledger), SurfaceVersion, fingerprint(files), *update)
	if err != nil {
		t.Error(err)
	}
	if *update && err == nil {
		if err := os.WriteFile(path, []byte(next), 0o644); err != nil {
			t.Fatal(err)
		}
		removeSnapshots(t)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if *update && err != nil {
			break // the snapshots stay those of the recorded version
		}
		golden(t, "surface/"+name, files[name])
	}
	kept, err := os.ReadDir(surfaceFolder)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range kept {
		if files[file.Name()] == nil && file.Name() != "versions.txt" {
			t.Errorf("%s is a snapshot of nothing", file.Name())
		}
	}
}

func removeSnapshots(t *testing.T) {
	t.Helper()
	for _, pattern := range []string{"*.json", "instructions.txt", "prompt_*.txt"} {
		old, err := filepath.Glob(filepath.Join(surfaceFolder, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range old {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// The guard itself: a changed surface under a recorded version fails, with
// -update too.
func TestSurfaceLedger(t *testing.T) {
	const one, two = "1 aaa\n", "1 aaa\n2 bbb\n"
	for _, c := range []struct {
		name, ledger string
		version      int
		print        string
		adding       bool
		want         string // the ledger after; "" for refused
	}{
		{"unchanged", one, 1, "aaa", false, one},
		{"unchanged, with -update", one, 1, "aaa", true, one},
		{"changed without a new version", one, 1, "bbb", false, ""},
		{"changed without a new version, with -update", one, 1, "bbb", true, ""},
		{"changed with a new version", one, 2, "bbb", false, ""},
		{"changed with a new version, with -update", one, 2, "bbb", true, two},
		{"back to an older surface", two, 1, "aaa", true, ""},
		{"an older surface as the newest version", two, 2, "aaa", true, ""},
		{"a version left out", one, 3, "ccc", true, ""},
		{"the first", "", 1, "aaa", true, one},
		{"version zero", "", 0, "aaa", true, ""},
		{"a line cut out of the ledger", "2 bbb\n", 2, "bbb", true, ""},
	} {
		got, err := register(c.ledger, c.version, c.print, c.adding)
		if refused := c.want == ""; refused != (err != nil) || !refused && got != c.want || refused && got != c.ledger {
			t.Errorf("%s: %q, %v; want %q", c.name, got, err, c.want)
		}
	}
}

func TestEveryChangeOfASnapshotShowsInTheFingerprint(t *testing.T) {
	files := surface(t)
	before := fingerprint(files)
	for name, text := range files {
		changed := maps.Clone(files)
		changed[name] = append(slices.Clone(text), ' ')
		if fingerprint(changed) == before {
			t.Errorf("a change of %s does not show", name)
		}
		delete(changed, name)
		if fingerprint(changed) == before {
			t.Errorf("nobody would miss %s", name)
		}
	}
	for _, op := range bridge.Operations {
		if files["tool_"+op.Name+".json"] == nil {
			t.Errorf("the tool %s has no snapshot", op.Name)
		}
	}
}

// mcp-go sends its own defaults for hints left out, so each tool must say all
// four; false and unset look alike to a reader of the source.
func TestEveryToolSaysItsTitleAndAllHints(t *testing.T) {
	_, tools := toolsFor(t, writer)
	for _, tool := range tools {
		if tool.Title == "" || tool.Description == "" {
			t.Errorf("%s has no title or no description", tool.Name)
		}
		for _, hint := range []string{"readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"} {
			if _, told := tool.Annotations[hint]; !told {
				t.Errorf("%s does not say %s", tool.Name, hint)
			}
		}
		var output struct {
			Type       string
			Properties map[string]json.RawMessage
		}
		if err := json.Unmarshal(tool.OutputSchema, &output); err != nil || output.Type != "object" || len(output.Properties) == 0 {
			t.Errorf("%s has no output schema: %v", tool.Name, err)
		}
	}
}
