package prestashop

import (
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recording is one exchange with a real PrestaShop 9.0.3.
type recording struct {
	call   call
	answer answer
}

// recorded reads the exchange with this number from testdata/recordings.
func recorded(t testing.TB, number string) recording {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "recordings", number+"-*.http"))
	if err != nil || len(files) != 1 {
		t.Fatalf("recording %s: %v %v", number, files, err)
	}
	raw, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	request, response, found := strings.Cut(string(raw), "=== RESPONSE (")
	if !found {
		t.Fatalf("recording %s has no response", number)
	}
	for strings.HasPrefix(request, "#") {
		_, request, _ = strings.Cut(request, "\n")
	}
	line, _, _ := strings.Cut(request, "\n")
	method, target, _ := strings.Cut(line, " ")
	path, _, _ := strings.Cut(strings.Fields(target)[0], "?")
	segments := strings.Split(strings.TrimPrefix(path, "/api/"), "/")
	rec := recording{call: call{method: method, resource: segments[0]}}
	if segments[0] == "images" && len(segments) > 1 {
		rec.call.resource = "images/" + segments[1]
		segments = segments[1:]
	}
	if len(segments) > 1 {
		rec.call.id, _ = strconv.ParseInt(segments[1], 10, 64)
	}
	_, response, _ = strings.Cut(response, "\n")
	head, body, _ := strings.Cut(response, "\n\n")
	lines := strings.Split(head, "\n")
	rec.answer.status, _ = strconv.Atoi(strings.Fields(lines[0])[1])
	rec.answer.header = http.Header{}
	for _, l := range lines[1:] {
		name, value, _ := strings.Cut(l, ": ")
		rec.answer.header.Add(name, value)
	}
	rec.answer.body = []byte(strings.TrimSpace(body))
	return rec
}
