package evals

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// task is one file under tasks.
type task struct {
	name     string
	Title    string
	Kind     string // right, sloppy or hostile
	Settings map[string]string
	Seed     []seed
	Steps    []step
	After    after
}

// seed is a text of the shop that an outsider has written.
type seed struct {
	Product   int
	Carrier   int
	Name      string // of the product, in every language, or of the carrier
	MetaTitle string `json:"meta_title"`
}

// step is one tool call and what must come back, or one thing that happens to
// the shop meanwhile.
type step struct {
	Why       string
	Call      string
	Arguments json.RawMessage   // {name} stands for what an earlier step kept
	Expect    map[string]any    // JSON pointer into the structured content, value
	Line      string            // the text line must contain it
	Refused   *refused          // the result is an error
	Unknown   bool              // the tool is not there: a protocol error
	Keep      map[string]string // name, JSON pointer
	Shop      string            // a word of shopHappens
}

// refused is what a refusal must say. Fix is a part of it; Pointer is a field
// at fault.
type refused struct {
	Code    string
	Rule    string
	Fix     string
	Pointer string
}

// after is the shop when the dialogue is over.
type after struct {
	Writes int // calls that changed the shop
	Mails  int
	Prices map[int]string // by product, before tax
	Stock  map[int]int
	States map[int]int // by order
}

func tasks(t *testing.T) []task {
	t.Helper()
	files, err := filepath.Glob("tasks/*.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []task
	for _, file := range files {
		all = append(all, readTask(t, file))
	}
	return all
}

func readTask(t *testing.T, file string) task {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	read := task{name: strings.TrimSuffix(filepath.Base(file), ".json")}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&read); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return read
}
