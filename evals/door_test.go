package evals

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
)

// door is bridge mcp as a host runs it: a child process and two pipes.
type door struct {
	in     io.WriteCloser
	out    *bufio.Reader
	asked  int
	stderr bytes.Buffer
}

func openDoor(t *testing.T, s *shop, settings map[string]string) *door {
	t.Helper()
	d := &door{}
	command := exec.Command(program, "mcp")
	command.Dir = t.TempDir() // no settings file of this folder
	command.Env = []string{
		"PATH=" + os.Getenv("PATH"), "STATE_DIR=" + t.TempDir(), "APP_ENV=test", "SHOP_SETTLE_SECONDS=0", "IMPORT_PARALLEL_ITEMS=1",
		"PRESTASHOP_URL=" + s.url, "PRESTASHOP_WS_KEY=" + shopKey,
	}
	for name, value := range settings {
		command.Env = append(command.Env, name+"="+value)
	}
	command.Stderr = &d.stderr
	var err error
	if d.in, err = command.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	d.out = bufio.NewReaderSize(out, 1<<20)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = d.in.Close()
		rest, _ := io.ReadAll(d.out)
		if err := command.Wait(); err != nil || len(rest) > 0 {
			t.Errorf("the program ended with %v and said %q unasked\n%s", err, rest, d.stderr.String())
		}
	})
	d.ask(t, `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"evals","version":"1"}}}`)
	return d
}

// answer is a JSON-RPC answer to a tool call.
type answer struct {
	raw    []byte
	Error  json.RawMessage
	Result *struct {
		IsError bool
		Content []struct {
			Type, Text string
		}
		StructuredContent json.RawMessage
	}
}

// call sends a tool call and waits for its answer.
func (d *door) call(t *testing.T, tool string, arguments []byte) (sent string, a answer) {
	t.Helper()
	d.asked++
	with := ""
	if len(arguments) > 0 {
		with = `,"arguments":` + string(arguments)
	}
	sent = fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":%q%s}}`, d.asked, tool, with)
	a.raw = d.ask(t, sent)
	if err := json.Unmarshal(a.raw, &a); err != nil {
		t.Fatalf("%v in %s", err, a.raw)
	}
	return sent, a
}

// ask sends a request and waits for its answer.
func (d *door) ask(t *testing.T, request string) []byte {
	t.Helper()
	if _, err := io.WriteString(d.in, request+"\n"); err != nil {
		t.Fatal(err)
	}
	line, err := d.out.ReadBytes('\n')
	if err != nil {
		t.Fatalf("no answer to %s: %v\n%s", request, err, d.stderr.String())
	}
	return bytes.TrimSpace(line)
}
