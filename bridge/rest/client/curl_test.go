package client

import (
	"os/exec"
	"strings"
	"testing"
)

// What stands in quotes reaches the program as it is, whatever it holds.
func FuzzQuote(f *testing.F) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		f.Skip("no POSIX shell here")
	}
	for _, seed := range []string{"plain", "it's", "'", "''", "$(id)", "`id`", "a\\", "a\nb", `"`, "*", "!!", "é"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.ContainsRune(text, 0) {
			return // cannot be an argument at all
		}
		out, err := exec.Command(shell, "-c", "printf %s "+quote(text)).Output()
		if err != nil || string(out) != text {
			t.Errorf("%q arrived as %q, %v", text, out, err)
		}
	})
}
