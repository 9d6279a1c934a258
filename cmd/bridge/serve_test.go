package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// startServe runs bridge serve on the built-in shop and gives the address its
// ready line names.
func startServe(t *testing.T, extra map[string]string) string {
	t.Helper()
	shop, err := openBuiltIn()
	if err != nil {
		t.Fatal(err)
	}
	env := source(environment(testSecrets)).with(shop.settings()).with(extra)
	ctx, cancel := context.WithCancel(context.Background())
	out, stderr := io.Pipe()
	stopped := make(chan int, 1)
	go func() {
		stopped <- run(ctx, process{args: []string{"serve", "--listen", "127.0.0.1:0"}, getenv: env, stdin: strings.NewReader(""), stdout: io.Discard, stderr: stderr})
		_ = stderr.Close()
	}()
	ready := make(chan string, 1)
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var line struct{ Msg, Listen string }
			if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "ready" {
				ready <- line.Listen
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		if status := <-stopped; status != 0 {
			t.Errorf("serve ended with %d", status)
		}
		<-drained
		shop.close()
	})
	select {
	case address := <-ready:
		return address
	case <-time.After(30 * time.Second):
		t.Fatal("serve never said ready")
		return ""
	}
}

func TestServeBoundsItsConnections(t *testing.T) {
	t.Chdir(t.TempDir())
	address := startServe(t, map[string]string{"MAX_CONNECTIONS": "1"})
	held, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	if _, err := io.WriteString(held, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(held).ReadString('\n'); err != nil {
		t.Fatal(err) // now the held connection is the one that was accepted
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, "GET", "http://"+address+"/healthz", nil)
	if err != nil {
		t.Fatal(err)
	}
	if answer, err := client.Do(request); err == nil {
		answer.Body.Close()
		t.Error("a second connection was served beside the only one allowed")
	}
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	answer, err := client.Get("http://" + address + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("/readyz: %d", answer.StatusCode)
	}
}
