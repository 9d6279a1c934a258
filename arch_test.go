// Package house tests the shape of the module: which package may import which,
// and that each says what it is. It reads the files themselves, as the result
// of a child process would be kept by the test cache.
package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

const module = "github.com/prestashop-bridge/bridge"

// levels: a package imports lower levels only, never a neighbour of its own.
// Only cmd/bridge may import them all. Tests may import anything: a proof
// needs the real parts.
var levels = map[string]int{
	"schemas":            0,
	"auth":               1,
	"policies":           1,
	"bridge":             2,
	"egress":             2,
	"bridge/rest":        3,
	"login":              3,
	"bridge/rest/client": 3,
	"bridge/rest/remote": 4,
	"tools":              3,
	"store":              3,
	"queue":              3,
	"metrics":            3,
	"traces":             3,
	"webhooks":           3,
	"feed":               3,
	"prestashop":         3,
	"prestashop/sandbox": 3,
	"cmd/bridge":         5,
	"store/storetest":    4,
	"durability":         4,
	"evals":              4,
	"chaos":              4,
	"tools/bench":        4,
	"costs":              4,
	"bench":              4, // a module of its own, which imports as the others do
	"webhooks/bench":     4,
}

func TestArrowsPointInward(t *testing.T) {
	for path, file := range sources(t) {
		folder := filepath.ToSlash(filepath.Dir(path))
		own, known := levels[folder]
		if !known {
			t.Errorf("%s: the folder %s has no level; give it one in arch_test.go and a place in docs/ARCHITECTURE.md", path, folder)
			continue
		}
		for _, spec := range file.Imports {
			imported := strings.Trim(spec.Path.Value, `"`)
			target, ours := strings.CutPrefix(imported, module+"/")
			if !ours {
				continue
			}
			if level, known := levels[target]; !known || level >= own {
				t.Errorf("%s (level %d) imports %s (level %d): arrows point to lower levels only", path, own, target, level)
			}
		}
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	said := map[string]bool{}
	for path, file := range sources(t) {
		folder := filepath.Dir(path)
		said[folder] = said[folder] || (file.Doc != nil && len(file.Doc.Text()) > 100)
	}
	for folder, ok := range said {
		if !ok {
			t.Errorf("%s has no package comment that says what it is, what it must not know and where to read next", folder)
		}
	}
}

// sources parses every Go file of the module that is no test.
func sources(t *testing.T) map[string]*ast.File {
	t.Helper()
	files := map[string]*ast.File{}
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == "testdata" || (path != "." && strings.HasPrefix(entry.Name(), "."))) {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly|parser.ParseComments)
		files[path] = file
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("no source files found; run the test in the module's root")
	}
	return files
}
