package tools

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
)

// TestDialogues plays testdata/stdio: "> " is a line of input, "< " the line
// that must come back before the next is sent, anything else is comment. Input
// may hold \xNN and \r, and {text*N} for N times the text.
func TestDialogues(t *testing.T) {
	files, err := filepath.Glob("testdata/stdio/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no dialogues", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			script, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			door := newWorld().door()
			door.MaxPayloadBytes = 4096
			p := openPipe(t, door, writer)
			var played strings.Builder
			for spoken := range strings.Lines(string(script)) {
				switch {
				case strings.HasPrefix(spoken, "> "):
					p.send(unfold(t, strings.TrimSuffix(spoken[2:], "\n")))
				case strings.HasPrefix(spoken, "< "):
					spoken = "< " + p.receive() + "\n"
				}
				played.WriteString(spoken)
			}
			rest, err := p.close()
			if rest != "" || err != nil {
				t.Errorf("after the dialogue: err = %v, and unasked: %s", err, rest)
			}
			golden(t, "stdio/"+filepath.Base(file), []byte(played.String()))
		})
	}
}

var folds = regexp.MustCompile(`\{([^{}]+)\*(\d+)\}|\\x[0-9a-f]{2}|\\r`)

func unfold(t *testing.T, text string) string {
	t.Helper()
	return folds.ReplaceAllStringFunc(text, func(fold string) string {
		if fold[0] == '\\' {
			plain, err := strconv.Unquote(`"` + fold + `"`)
			if err != nil {
				t.Fatal(err)
			}
			return plain
		}
		parts := folds.FindStringSubmatch(fold)
		times, err := strconv.Atoi(parts[2])
		if err != nil {
			t.Fatal(err)
		}
		return strings.Repeat(parts[1], times)
	})
}

func waitLine(id int) string {
	return callLine(id, bridge.OpGetJobStatus, `{"job_id":"`+runningJob+`","wait_seconds":30}`)
}

// A script pipes its calls in and closes its end: it still gets the answers.
func TestEndOfInputWaitsForRunningCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.onJob = advance
		p := openPipe(t, w.door(), writer)
		p.send(waitLine(1))
		rest, err := p.close()
		if err != nil || !strings.Contains(rest, "succeeded") {
			t.Errorf("err = %v, rest %s", err, rest)
		}
	})
}

func TestEndOfInputDoesNotWaitForLongCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		started := time.Now()
		p := openPipe(t, newWorld().door(), writer)
		p.send(waitLine(1))
		rest, err := p.close()
		if err != nil || !strings.Contains(rest, "The wait was cancelled; the job goes on.") {
			t.Errorf("err = %v, rest %s", err, rest)
		}
		if took := time.Since(started); took != drainTimeout {
			t.Errorf("took %v, want %v", took, drainTimeout)
		}
	})
}

func TestCancelledCallIsNotAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		started := time.Now()
		p := openPipe(t, newWorld().door(), writer)
		p.send(waitLine(1))
		p.send(waitLine(2))
		p.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`)
		p.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"2"}}`) // another id
		p.send(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":99}}`)
		p.send(`{"jsonrpc":"2.0","method":"notifications/cancelled"}`)
		if answer := readOutcome(t, p.receive()); string(answer.ID) != "2" {
			t.Errorf("answered %s", answer.ID)
		}
		if took := time.Since(started); took != 30*time.Second {
			t.Errorf("the other call ended after %v", took)
		}
		if rest, err := p.close(); rest != "" || err != nil {
			t.Errorf("err = %v, rest %s", err, rest)
		}
	})
}

func TestEndOfContextStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := openPipe(t, newWorld().door(), writer)
		p.send(waitLine(1))
		go func() { _, _ = io.Copy(io.Discard, p.out) }()
		synctest.Wait()
		p.stop()
		if err := <-p.over; !errors.Is(err, context.Canceled) {
			t.Errorf("err = %v", err)
		}
	})
}

// A client that reads nothing cannot keep the process alive.
func TestEndOfContextStopsAgainstADeafClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := openPipe(t, newWorld().door(), writer)
		p.send("garbage") // its answer waits in the pipe for good
		synctest.Wait()
		p.stop()
		if err := <-p.over; !errors.Is(err, context.Canceled) {
			t.Errorf("err = %v", err)
		}
	})
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("pipe is broken") }

func TestBrokenPipeEndsTheConversation(t *testing.T) {
	in, client := io.Pipe()
	defer client.Close()
	go func() { _, _ = io.WriteString(client, listTools+"\n") }()
	err := newWorld().door().ServeStdio(t.Context(), in, broken{}, writer)
	if err == nil || !strings.Contains(err.Error(), "pipe is broken") {
		t.Errorf("err = %v", err)
	}
	_ = in.Close()
}

func TestBrokenInputIsReported(t *testing.T) {
	in, client := io.Pipe()
	_ = client.CloseWithError(errors.New("disk on fire"))
	err := newWorld().door().ServeStdio(t.Context(), in, io.Discard, writer)
	if err == nil || !strings.Contains(err.Error(), "disk on fire") {
		t.Errorf("err = %v", err)
	}
}

func TestLastLineNeedsNoEnd(t *testing.T) {
	var out strings.Builder
	err := newWorld().door().ServeStdio(t.Context(), strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"ping"}`), &out, writer)
	if err != nil || out.String() != `{"jsonrpc":"2.0","id":1,"result":{}}`+"\n" {
		t.Errorf("err = %v, out %q", err, out.String())
	}
}

func TestTooManyRequestsAtOnceAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := openPipe(t, newWorld().door(), writer)
		for id := range maxInFlight {
			p.send(waitLine(id))
		}
		answer := readOutcome(t, p.ask(waitLine(maxInFlight)))
		if answer.Error == nil || string(answer.ID) != fmt.Sprint(maxInFlight) {
			t.Errorf("answered %+v", answer)
		}
		for range maxInFlight {
			p.receive()
		}
		if answer := readOutcome(t, p.ask(callLine(99, bridge.OpGetProduct, `{"product_id":1}`))); answer.Result == nil {
			t.Errorf("answered %+v", answer)
		}
	})
}

func TestRunningIDsAreNotReused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := openPipe(t, newWorld().door(), writer)
		p.send(waitLine(1))
		if answer := readOutcome(t, p.ask(waitLine(1))); answer.Error == nil || answer.Error.Code != -32600 {
			t.Errorf("answered %+v", answer)
		}
		if answer := readOutcome(t, p.receive()); answer.Result == nil {
			t.Errorf("answered %+v", answer)
		}
	})
}

func TestPanicEndsOneCallAndShowsNothing(t *testing.T) {
	w := newWorld()
	w.onProduct = func(context.Context) { panic("secret in the panic") }
	p := openPipe(t, w.door(), writer)
	text := p.ask(callLine(1, bridge.OpGetProduct, `{"product_id":1}`))
	answer := readOutcome(t, text)
	if answer.Result == nil || !answer.Result.IsError || strings.Contains(text, "secret") {
		t.Errorf("a tool's panic answers %s", text)
	}
	text = p.ask(`{"jsonrpc":"2.0","id":2,"method":"resources/read","params":{"uri":"bridge://products/1"}}`)
	if answer = readOutcome(t, text); answer.Error == nil || answer.Error.Code != -32603 || strings.Contains(text, "secret") {
		t.Errorf("a resource's panic answers %s", text)
	}
	if got := p.ask(`{"jsonrpc":"2.0","id":3,"method":"ping"}`); got != `{"jsonrpc":"2.0","id":3,"result":{}}` {
		t.Errorf("after the panics: %s", got)
	}
}
