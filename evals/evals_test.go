package evals

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// spoken is one exchange of a dialogue.
type spoken struct {
	step step
	sent string
	answer
}

// cost is what a task costs a model.
type cost struct {
	task                  task
	calls, refusals       int
	bytesSent, bytesHeard int
}

// TestTasks plays every dialogue, each with a program and a shop of its own,
// and holds the table in README.md to what they cost.
func TestTasks(t *testing.T) {
	all := tasks(t)
	if len(all) < 30 {
		t.Errorf("%d tasks, want at least 30", len(all))
	}
	var mu sync.Mutex
	costs := map[string]cost{}
	t.Run("play", func(t *testing.T) {
		for _, each := range all {
			t.Run(each.name, func(t *testing.T) {
				t.Parallel()
				c := reckon(each, play(t, each))
				mu.Lock()
				defer mu.Unlock()
				costs[each.name] = c
			})
		}
	})
	if t.Failed() {
		return
	}
	var table strings.Builder
	table.WriteString("| task | kind | what happens | calls | refused | bytes asked | bytes answered |\n| --- | --- | --- | --: | --: | --: | --: |\n")
	total := cost{}
	for _, each := range all {
		c := costs[each.name]
		fmt.Fprintf(&table, "| `%s` | %s | %s | %d | %d | %d | %d |\n", each.name, each.Kind, each.Title, c.calls, c.refusals, c.bytesSent, c.bytesHeard)
		total.calls, total.refusals = total.calls+c.calls, total.refusals+c.refusals
		total.bytesSent, total.bytesHeard = total.bytesSent+c.bytesSent, total.bytesHeard+c.bytesHeard
	}
	fmt.Fprintf(&table, "| **%d tasks** | | | **%d** | **%d** | **%d** | **%d** |\n", len(all), total.calls, total.refusals, total.bytesSent, total.bytesHeard)
	goldenPart(t, "README.md", "costs", table.String())
}

// play runs one dialogue to its end.
func play(t *testing.T, k task) []spoken {
	t.Helper()
	s := openShop(t, k.Seed)
	d := openDoor(t, s, k.Settings)
	kept := map[string]string{}
	var heard []spoken
	for i, st := range k.Steps {
		if st.Shop != "" {
			s.happens(t, st.Shop)
			continue
		}
		var arguments bytes.Buffer
		if len(st.Arguments) > 0 {
			if err := json.Compact(&arguments, st.Arguments); err != nil {
				t.Fatal(err)
			}
		}
		sent, a := d.call(t, st.Call, fill(arguments.Bytes(), kept))
		if err := untrue(st.Call, a, k.Seed); err != nil {
			t.Errorf("step %d, %s: %v\n%s", i+1, st.Call, err, a.raw)
		}
		if err := st.met(a, kept); err != nil {
			t.Fatalf("step %d, %s (%s): %v\n%s", i+1, st.Call, st.Why, err, a.raw)
		}
		heard = append(heard, spoken{st, sent, a})
	}
	s.check(t, k.After)
	return heard
}

func fill(text []byte, kept map[string]string) []byte {
	for name, value := range kept {
		text = bytes.ReplaceAll(text, []byte("{"+name+"}"), []byte(value))
	}
	return text
}

// met compares an answer with what the step expects, and keeps what it asks for.
func (st step) met(a answer, kept map[string]string) error {
	switch {
	case st.Unknown != (a.Error != nil):
		return fmt.Errorf("a protocol error: %v, want %v", a.Error != nil, st.Unknown)
	case st.Unknown:
		return nil
	case a.Result.IsError != (st.Refused != nil):
		return fmt.Errorf("refused: %v, want %v", a.Result.IsError, st.Refused != nil)
	case !strings.Contains(a.Result.Content[0].Text, st.Line):
		return fmt.Errorf("the line lacks %q", st.Line)
	}
	var structured any
	if err := json.Unmarshal(a.Result.StructuredContent, &structured); err != nil {
		return err
	}
	if st.Refused != nil {
		if err := st.Refused.met(a.Result.StructuredContent); err != nil {
			return err
		}
	}
	for pointer, want := range st.Expect {
		if got := at(structured, pointer); !reflect.DeepEqual(got, want) {
			return fmt.Errorf("%s is %#v, want %#v", pointer, got, want)
		}
	}
	for name, pointer := range st.Keep {
		value, ok := at(structured, pointer).(string)
		if !ok {
			return fmt.Errorf("there is no text at %s", pointer)
		}
		kept[name] = value
	}
	return nil
}

func (want refused) met(structured []byte) error {
	var got struct {
		Code, Rule, Fix string
		ErrorCode       string `json:"error_code"`
		Errors          []struct{ Pointer string }
	}
	if err := json.Unmarshal(structured, &got); err != nil {
		return err
	}
	if got.ErrorCode != want.Code || got.Rule != want.Rule || !strings.Contains(got.Fix, want.Fix) || got.Fix == "" {
		return fmt.Errorf("refused with %s %q and fix %q, want %+v", got.ErrorCode, got.Rule, got.Fix, want)
	}
	for _, e := range got.Errors {
		if e.Pointer == want.Pointer {
			return nil
		}
	}
	if want.Pointer != "" {
		return fmt.Errorf("no fault at %s", want.Pointer)
	}
	return nil
}

// at follows a JSON pointer; nil where it leads nowhere.
func at(value any, pointer string) any {
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		switch in := value.(type) {
		case map[string]any:
			value = in[token]
		case []any:
			var i int
			if _, err := fmt.Sscan(token, &i); err != nil || i >= len(in) {
				return nil
			}
			value = in[i]
		default:
			return nil
		}
	}
	return value
}

// What differs from run to run is counted and shown in one form.
var passing = []struct {
	form *regexp.Regexp
	mask string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)`), "2026-11-01T10:00:00Z"},
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}`), "018f0000-0000-7000-8000-000000000001"},
	{regexp.MustCompile(`retry_after_seconds(\\?)":\d+`), `retry_after_seconds$1":9`},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "127.0.0.1:9"},
}

func masked(text string) string {
	for _, p := range passing {
		text = p.form.ReplaceAllString(text, p.mask)
	}
	return text
}

func reckon(k task, heard []spoken) cost {
	c := cost{task: k}
	for _, s := range heard {
		c.calls++
		if s.Result == nil || s.Result.IsError {
			c.refusals++
		}
		c.bytesSent += len(masked(s.sent))
		c.bytesHeard += len(masked(string(s.raw)))
	}
	return c
}

// goldenPart holds what stands between two marks of a page to what was found.
func goldenPart(t *testing.T, path, name, want string) {
	t.Helper()
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- made from the tasks: "+name+" -->\n", "<!-- end -->"
	before, rest, found := strings.Cut(string(page), begin)
	part, behind, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s has no place for %s", path, name)
	}
	if part == want {
		return
	}
	if *update {
		if err := os.WriteFile(path, []byte(before+begin+want+end+behind), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("%s: calls or bytes differ from what the page says. If a task grew, every agent pays for it: say why in the change. go test ./evals -update rewrites.\n%s", path, differing(part, want))
}

// differing shows the lines that are not the same.
func differing(old, now string) string {
	var out strings.Builder
	was := strings.Split(old, "\n")
	for i, line := range strings.Split(now, "\n") {
		if i >= len(was) || was[i] != line {
			if i < len(was) {
				out.WriteString("- " + was[i] + "\n")
			}
			out.WriteString("+ " + line + "\n")
		}
	}
	return out.String()
}
