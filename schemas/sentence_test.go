package schemas

import (
	"cmp"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"testing"
)

// TestSentencesTakeTheSameArguments reads the table itself: a verb missing in
// one language would show only to those who read it.
func TestSentencesTakeTheSameArguments(t *testing.T) {
	source, err := os.ReadFile("sentence.go")
	if err != nil {
		t.Fatal(err)
	}
	verb := regexp.MustCompile(`%[a-z]`)
	rows := regexp.MustCompile(`(?m)^\t(say\w+) += sentence\{"(.+?)", "(.+)", "(.+)"\}$`).FindAllStringSubmatch(string(source), -1)
	if len(rows) < 30 {
		t.Fatalf("found only %d sentences", len(rows))
	}
	for _, row := range rows {
		if en, zh := verb.FindAllString(row[3], -1), verb.FindAllString(row[4], -1); !slices.Equal(en, zh) {
			t.Errorf("%s takes %v in English and %v in Chinese", row[1], en, zh)
		}
	}
}

func TestTextByLanguage(t *testing.T) {
	fault := Missing("/x")
	for lang, want := range map[string]string{
		"zh": "不可为空", "zh-CN": "不可为空", "ZH_tw": "不可为空", " zh;q=1": "不可为空",
		"": fault.Message, "en": fault.Message, "zha": fault.Message, "fr, zh": fault.Message,
	} {
		if got := fault.Text(lang); got != want {
			t.Errorf("%q: got %q, want %q", lang, got, want)
		}
	}
	raw, err := json.Marshal(fault)
	if err != nil {
		t.Fatal(err)
	}
	var decoded FieldError
	if err := json.Unmarshal(raw, &decoded); err != nil || !decoded.Equal(fault) || decoded.Text("zh") != "不可为空" {
		t.Errorf("%s comes back as %+v, %v", raw, decoded, err)
	}
	if got := (FieldError{Keyword: "ht-only", Message: "m"}).Text("zh"); got != "m" {
		t.Errorf("a fault without Chinese answers %q", got)
	}
}

func TestPointersSortByPosition(t *testing.T) {
	ordered := []string{"", "/a", "/a/0", "/a/2", "/a/2/b", "/a/10", "/a/b", "/b"}
	for i, a := range ordered {
		for k, b := range ordered {
			if got, want := comparePointers(a, b), cmp.Compare(i, k); got != want {
				t.Errorf("%q and %q: got %d, want %d", a, b, got, want)
			}
		}
	}
}
