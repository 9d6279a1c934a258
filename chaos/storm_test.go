package main

import (
	"bytes"
	"strconv"
	"strings"
	"testing"
)

// A short storm over real processes keeps the promise. The seed is fixed; what
// the machine does with it differs each time.
func TestShortStorm(t *testing.T) {
	if testing.Short() {
		t.Skip("a storm takes half a minute")
	}
	if _, err := findPrograms(); err != nil {
		t.Skip(err)
	}
	var out, problems bytes.Buffer
	arguments := []string{"--short", "--seed", "20260321", "--race=" + strconv.FormatBool(raceDetector)}
	status := run(t.Context(), arguments, &out, &problems)
	t.Logf("%s%s", &out, &problems)
	if status != 0 {
		t.Errorf("exit status %d", status)
	}
}

func TestWrongCalls(t *testing.T) {
	for _, arguments := range [][]string{{"now"}, {"--items", "51"}, {"--for", "soon"}} {
		var out, problems bytes.Buffer
		if status := run(t.Context(), arguments, &out, &problems); status != 2 || out.Len() > 0 {
			t.Errorf("chaos %s: status %d, said %q and %q", strings.Join(arguments, " "), status, &out, &problems)
		}
	}
}

func TestSpread(t *testing.T) {
	if s := spreadOf(nil); s.Count != 0 || s.Max != 0 {
		t.Errorf("no times spread as %v", s)
	}
}
