package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// The client of the measured bridge. What it opens exists for the length of
// one run, on this machine.
const (
	clientID     = "bench"
	clientSecret = "bench-client-secret-of-32-characters"
	signingKey   = "bench-signing-secret-of-32-characters"
	shopKey      = "SANDBOXSANDBOXSANDBOXSANDBOX0001"
)

// nodes are the processes of one run, in a folder of their own.
type nodes struct {
	binary, folder string
	base           string // of the bridge over HTTP, "" until it runs
	floor, reader  string // of the floors
	env            []string
	running        []*exec.Cmd
}

// openNodes starts the stand-in shop.
func openNodes(ctx context.Context, binary string) (*nodes, error) {
	binary, err := filepath.Abs(binary)
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "bridge-bench-")
	if err != nil {
		return nil, err
	}
	n := &nodes{binary: binary, folder: folder}
	shop, err := freeAddress()
	if err == nil {
		n.env = append(os.Environ(),
			"PRESTASHOP_URL=http://"+shop, "PRESTASHOP_WS_KEY="+shopKey, "STATE_DIR="+folder,
			"OAUTH_CLIENT_ID="+clientID, "OAUTH_CLIENT_SECRET="+clientSecret, "HMAC_SECRET_CURRENT="+signingKey,
			// The limits are raised as an operator would, not taken out.
			"RATE_LIMIT_READ=1000000", "RATE_LIMIT_WRITE=1000000")
		err = n.serve(ctx, shop, binary, "sandbox", "--listen", shop, "--key", shopKey)
	}
	if err != nil {
		n.close()
		return nil, err
	}
	return n, nil
}

func (n *nodes) close() {
	for _, p := range n.running {
		_ = p.Process.Signal(os.Interrupt)
	}
	for _, p := range n.running {
		_ = p.Wait() // it was told to stop
	}
	_ = os.RemoveAll(n.folder)
}

// serve starts a process and waits until it listens.
func (n *nodes) serve(ctx context.Context, address, binary string, args ...string) error {
	p := exec.Command(binary, args...)
	p.Env = n.env
	if err := p.Start(); err != nil {
		return err
	}
	n.running = append(n.running, p)
	patience, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := (&net.Dialer{}).DialContext(patience, "tcp", address)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-tick.C:
		case <-patience.Done():
			return fmt.Errorf("%s %s does not listen: %w", filepath.Base(binary), strings.Join(args, " "), err)
		}
	}
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// program is a stdio server to start.
type program struct {
	binary string
	args   []string
	env    []string
}

func (n *nodes) mcp(args ...string) program {
	return program{n.binary, append([]string{"mcp"}, args...), n.env}
}

func (n *nodes) echo(where string, flags ...string) program {
	own, err := os.Executable()
	if err != nil {
		own = os.Args[0]
	}
	return program{own, append([]string{"--echo", where}, flags...), n.env}
}

// pipe is a started stdio server.
type pipe struct {
	process *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
}

func (p program) open() (*pipe, error) {
	cmd := exec.Command(p.binary, p.args...)
	cmd.Env = p.env
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return &pipe{cmd, in, bufio.NewReaderSize(out, 1<<20)}, cmd.Start()
}

// ask sends a line and gives the one that comes back.
func (p *pipe) ask(line string) (string, error) {
	if _, err := io.WriteString(p.in, line+"\n"); err != nil {
		return "", err
	}
	return p.out.ReadString('\n')
}

func (p *pipe) close() error {
	return errors.Join(p.in.Close(), p.process.Wait())
}

const (
	hello     = `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}`
	listTools = `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`
)

// start measures from exec to the answer of tools/list, the handshake
// included.
func (p program) start() (time.Duration, error) {
	began := time.Now()
	opened, err := p.open()
	if err != nil {
		return 0, err
	}
	if _, err := opened.ask(hello); err != nil {
		return 0, errors.Join(err, opened.close())
	}
	listed, err := opened.ask(listTools)
	took := time.Since(began)
	if err == nil && !strings.Contains(listed, `"tools":[{`) {
		err = fmt.Errorf("no tools: %.200s", listed)
	}
	return took, errors.Join(err, opened.close())
}
