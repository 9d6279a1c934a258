package tools

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"testing"

	"github.com/prestashop-bridge/bridge/bridge"
)

// pipe is a running stdio door seen from its client.
type pipe struct {
	t    *testing.T
	in   *io.PipeWriter
	out  *bufio.Reader
	over chan error
	stop context.CancelFunc
}

func openPipe(t *testing.T, door *Door, actor bridge.Actor) *pipe {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	inRead, inWrite := io.Pipe()
	outRead, outWrite := io.Pipe()
	p := &pipe{t: t, in: inWrite, out: bufio.NewReader(outRead), over: make(chan error, 1), stop: stop}
	go func() {
		err := door.ServeStdio(ctx, inRead, outWrite, actor)
		_ = inRead.Close()
		_ = outWrite.Close()
		p.over <- err
	}()
	t.Cleanup(func() {
		stop()
		_ = inWrite.Close()
		_ = outRead.Close()
	})
	return p
}

func (p *pipe) send(line string) {
	p.t.Helper()
	if _, err := io.WriteString(p.in, line+"\n"); err != nil {
		p.t.Fatal(err)
	}
}

func (p *pipe) receive() string {
	p.t.Helper()
	text, err := p.out.ReadString('\n')
	if err != nil {
		p.t.Fatalf("no answer: %v", err)
	}
	return text[:len(text)-1]
}

func (p *pipe) ask(line string) string {
	p.t.Helper()
	p.send(line)
	return p.receive()
}

// close ends the input and gives what ServeStdio returned and what it still
// wrote.
func (p *pipe) close() (rest string, err error) {
	p.t.Helper()
	if err := p.in.Close(); err != nil {
		p.t.Fatal(err)
	}
	left, readErr := io.ReadAll(p.out)
	if readErr != nil {
		p.t.Fatal(readErr)
	}
	return string(left), <-p.over
}

// outcome is a tools/call response as a client reads it.
type outcome struct {
	ID     json.RawMessage `json:"id"`
	Result *struct {
		Content []struct {
			Type string `json:"type"`
			Text string `json:"text"`
		} `json:"content"`
		StructuredContent json.RawMessage `json:"structuredContent"`
		IsError           bool            `json:"isError"`
	} `json:"result"`
	Error *struct {
		Code    int             `json:"code"`
		Message string          `json:"message"`
		Data    json.RawMessage `json:"data"`
	} `json:"error"`
}

func readOutcome(t *testing.T, text string) outcome {
	t.Helper()
	var o outcome
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return o
}

func callLine(id int, tool, arguments string) string {
	raw, _ := json.Marshal(id)
	return `{"jsonrpc":"2.0","id":` + string(raw) + `,"method":"tools/call","params":{"name":"` + tool + `","arguments":` + arguments + `}}`
}
