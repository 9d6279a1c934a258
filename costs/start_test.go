package costs

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// initCeiling is how many bytes our own packages may allocate before main
// begins. The libraries take 2.5 MB, the collector begins at 2.8, before the
// program can have told it to wait, and costs an MCP door over stdio, which is
// started for each conversation, a tenth of its start.
const initCeiling = 240_000

// TestLittleIsAllocatedBeforeMain reads what the runtime tells of the
// initialisation of the packages in this very binary.
func TestLittleIsAllocatedBeforeMain(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates for itself; make test runs this package once more without it")
	}
	child := exec.Command(os.Args[0], "-test.run=^$")
	child.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	told, err := child.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, told)
	}
	ours, total := "", 0
	for line := range strings.Lines(string(told)) {
		// init NAME @5.8 ms, 5.3 ms clock, 1700912 bytes, 21280 allocs
		fields := strings.Fields(line)
		if len(fields) < 8 || fields[0] != "init" || !strings.HasPrefix(fields[1], "github.com/prestashop-bridge/") {
			continue
		}
		bytes, err := strconv.Atoi(fields[7])
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		ours, total = ours+line, total+bytes
	}
	if total == 0 || total > initCeiling {
		t.Errorf("%d bytes, the ceiling is %d:\n%s", total, initCeiling, ours)
	}
	t.Logf("%d bytes", total)
}
