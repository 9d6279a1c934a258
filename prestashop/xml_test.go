package prestashop

import (
	"encoding/xml"
	"os"
	"path/filepath"
	"testing"
	"unicode/utf8"
)

// UPDATE_GOLDEN=1 rewrites the golden file.
func TestEntityGolden(t *testing.T) {
	e := newEntity("product").
		number("id", 6).
		field(fieldPrice, "12.500000").
		localized(fieldMetaTitle, map[int64]string{2: "Tasse 😀", 1: `Mug "best" & co's <b> ]]>`}).
		localized(fieldDescription, map[int64]string{1: "line one\r\nline two\t.", 2: ""}).
		categories(2, 3)
	got, err := e.bytes()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", "product.golden.xml")
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestEntityRefusesWhatXMLCannotCarry(t *testing.T) {
	for _, bad := range []string{"a\x00b", "a\x0bb", "\x1b", "\xff\xfe", "\ufffe", "\uffff"} {
		if got, err := newEntity("product").field("reference", bad).bytes(); err == nil {
			t.Errorf("%q was written as %s", bad, got)
		}
	}
}

func TestStoredImageID(t *testing.T) {
	if id, err := storedImageID(recorded(t, "431").answer.body); err != nil || id != 24 {
		t.Errorf("got %d, %v", id, err)
	}
	whole := recorded(t, "431").answer.body
	if id, err := storedImageID(whole[:len(whole)/2]); err == nil {
		t.Errorf("a truncated answer gave %d", id)
	}
	if _, err := storedImageID(recorded(t, "435").answer.body); err == nil {
		t.Error("an error body gave an image id")
	}
}

func FuzzAnswerXML(f *testing.F) {
	for _, number := range []string{"431", "435", "440", "716"} {
		f.Add(recorded(f, number).answer.body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if id, err := storedImageID(body); err == nil && id <= 0 {
			t.Fatalf("image id %d", id)
		}
		for _, c := range complaints(answer{body: body}) {
			_ = c.Message
		}
	})
}

// What goes into a leaf must come out of a parser as the same text.
func FuzzEntityText(f *testing.F) {
	f.Add("Mug & co <b>\r\n]]> 😀")
	f.Fuzz(func(t *testing.T, value string) {
		body, err := newEntity("product").field("name", value).bytes()
		if err != nil {
			return
		}
		if !utf8.ValidString(value) {
			t.Fatalf("%q was carried", value)
		}
		var doc struct {
			Name string `xml:"product>name"`
		}
		if err := xml.Unmarshal(body, &doc); err != nil || doc.Name != value {
			t.Fatalf("%q came out as %q, %v", value, doc.Name, err)
		}
	})
}
