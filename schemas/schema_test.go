package schemas_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prestashop-bridge/bridge/schemas"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

func all() map[string]schemas.Schema {
	every := map[string]schemas.Schema{}
	for _, name := range schemas.InputNames() {
		every[name] = schemas.Input(name)
	}
	for _, name := range schemas.OutputNames() {
		every[name] = schemas.Output(name)
	}
	return every
}

func TestEverySchemaCompiles(t *testing.T) {
	if err := schemas.Ready(); err != nil {
		t.Fatal(err)
	}
	if got, want := len(all()), 10; got != want {
		t.Fatalf("got %d schemas, want %d", got, want)
	}
}

func TestSchemasMatchGoldens(t *testing.T) {
	for name, schema := range all() {
		t.Run(name, func(t *testing.T) {
			var pretty bytes.Buffer
			if err := json.Indent(&pretty, schema.JSON(), "", "  "); err != nil {
				t.Fatal(err)
			}
			pretty.WriteByte('\n')
			golden := filepath.Join("testdata", name+".json")
			if *update {
				if err := os.WriteFile(golden, pretty.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), pretty.String()); diff != "" {
				t.Errorf("the published schema changed; if that is meant, run go test with -update (-want +got):\n%s", diff)
			}
		})
	}
}

// TestObjectsAreClosed walks each schema: no object may accept members it does
// not name, and clients are spared references and identifiers.
func TestObjectsAreClosed(t *testing.T) {
	for name, schema := range all() {
		var tree any
		if err := json.Unmarshal(schema.JSON(), &tree); err != nil {
			t.Fatal(err)
		}
		walk(tree, func(node map[string]any) {
			for _, banned := range []string{"$id", "$ref", "$defs", "$schema", "oneOf", "anyOf", "propertyNames"} {
				if _, there := node[banned]; there {
					t.Errorf("%s uses %s", name, banned)
				}
			}
			closed, told := node["additionalProperties"]
			if _, object := node["properties"]; object && (!told || closed != false) {
				t.Errorf("%s has an open object: %v", name, node)
			}
			if node["type"] == "object" && !told {
				t.Errorf("%s has an open map: %v", name, node)
			}
		})
	}
}

func walk(tree any, visit func(map[string]any)) {
	switch tree := tree.(type) {
	case map[string]any:
		visit(tree)
		for _, child := range tree {
			walk(child, visit)
		}
	case []any:
		for _, child := range tree {
			walk(child, visit)
		}
	}
}

// TestToolListBudget leaves the tool list's 12,000 bytes about 2,000 for
// names, descriptions and annotations.
func TestToolListBudget(t *testing.T) {
	size := 0
	for _, name := range schemas.InputNames() {
		schema := schemas.Input(name)
		if strings.HasPrefix(name, "get_") {
			size += len(schema.JSON())
			continue
		}
		withID, err := schema.WithRequestID()
		if err != nil {
			t.Fatal(err)
		}
		size += len(withID.JSON())
	}
	for name, times := range map[string]int{"product": 1, "order": 1, "job": 1, "acceptance": 3} {
		size += times * len(schemas.Output(name).Outline())
	}
	if size > 9900 {
		t.Errorf("the schemas of a tool list take %d bytes, want at most 9900", size)
	}
	for name, schema := range all() {
		t.Logf("%-20s %5d bytes, outline %5d", name, len(schema.JSON()), len(schema.Outline()))
	}
	t.Logf("tool list schemas: %d bytes", size)
}

func TestUnknownSchemaAcceptsNothing(t *testing.T) {
	none := schemas.Input("delete_product")
	if got := none.Validate(parse(t, `{}`)); len(got) != 1 || got[0].Keyword != "schema" {
		t.Errorf("got %v, want one schema fault", got)
	}
	if got := string(none.JSON()); got != "null" {
		t.Errorf("got %s, want null", got)
	}
	if _, err := none.WithRequestID(); err == nil {
		t.Error("a property could be added to nothing")
	}
}

func TestWithRequestID(t *testing.T) {
	plain := schemas.Input("update_order_status")
	before := string(plain.JSON())
	tool, err := plain.WithRequestID()
	if err != nil {
		t.Fatal(err)
	}
	const rest = `"order_id":456,"new_status":"shipped"}`
	for _, tc := range []struct{ body, want string }{
		{`{"request_id":"f717d835-a6d6-4d7e-8c44-73f1ca7e63d8",` + rest, ""},
		{`{"request_id":"F717D835-A6D6-4D7E-8C44-73F1CA7E63D8",` + rest, ""},
		{`{` + rest, "/request_id required"},
		{`{"request_id":7,` + rest, "/request_id type"},
		{`{"request_id":"f717d835",` + rest, "/request_id format\n/request_id format"},
		{`{"request_id":"0198f0a0-0000-7000-8000-000000000000",` + rest, "/request_id format"},
		{`{"request_id":"f717d835-a6d6-4d7e-8c44-73f1ca7e63d8","order_id":0,"new_status":"shipped"}`, "/order_id minimum"},
	} {
		if got := brief(tool.Validate(parse(t, tc.body))); got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.body, got, tc.want)
		}
	}
	if got := string(plain.JSON()); got != before {
		t.Error("deriving changed the schema it came from")
	}
	if got := brief(plain.Validate(parse(t, `{"request_id":"f717d835-a6d6-4d7e-8c44-73f1ca7e63d8",`+rest))); got != "/request_id additionalProperties" {
		t.Errorf("the plain schema answers %q", got)
	}
	if _, err := plain.WithProperty("x", `{"type":`, false); err == nil {
		t.Error("a broken property was taken")
	}
	optional, err := plain.WithProperty("dry_run", `{"type":"boolean"}`, false)
	if err != nil {
		t.Fatal(err)
	}
	if got := brief(optional.Validate(parse(t, `{`+rest))); got != "" {
		t.Errorf("an optional property is missed: %q", got)
	}
}

func parse(t testing.TB, text string) schemas.Document {
	t.Helper()
	doc, faults := schemas.Parse([]byte(text))
	if len(faults) > 0 {
		t.Fatalf("%.200s: %v", text, faults)
	}
	return doc
}

// brief is the pointers and keywords of faults, one a line.
func brief(faults []schemas.FieldError) string {
	var lines []string
	for _, fault := range faults {
		lines = append(lines, fault.Pointer+" "+fault.Keyword)
	}
	return strings.Join(lines, "\n")
}
