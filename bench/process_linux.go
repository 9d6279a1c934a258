package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a child of the benchmark: a database, or a server to be measured.
type process struct {
	name    string
	log     string
	cmd     *exec.Cmd
	goodbye syscall.Signal
	done    chan struct{}
}

// launch describes a child.
type launch struct {
	name     string
	dir      string // of its log
	command  []string
	env      []string // nil: ours
	uid, gid uint32   // 0: ours
	answers  func(context.Context) error
	goodbye  syscall.Signal // how it is asked to stop; 0: SIGTERM
}

// start runs a child in a process group of its own, killed with us should we
// die, and waits until it answers.
func start(ctx context.Context, l launch) (*process, error) {
	p := &process{name: l.name, log: filepath.Join(l.dir, l.name+".log"), goodbye: cmp.Or(l.goodbye, syscall.SIGTERM), done: make(chan struct{})}
	log, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p.cmd = exec.Command(l.command[0], l.command[1:]...)
	p.cmd.Env, p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = l.env, l.dir, log, log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if l.uid != 0 {
		p.cmd.SysProcAttr.Credential = &syscall.Credential{Uid: l.uid, Gid: l.gid}
	}
	started := make(chan error, 1)
	go func() {
		// The system kills the child with the thread that started it.
		runtime.LockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			_ = p.cmd.Wait() // how it ended is in its log
		}
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("%s does not start: %w", l.name, err)
	}
	if err := p.await(ctx, l.answers); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

func (p *process) await(ctx context.Context, answers func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		err := answers(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s ended; its log ends with:\n%s", p.name, p.logEnd())
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %w; its log ends with:\n%s", p.name, err, p.logEnd())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// stop asks the child to end, and kills its group when it takes too long.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(p.goodbye)
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.done
}

func (p *process) logEnd() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-2000):])
}

// readyLine gives what a child's log says behind "ready".
func readyLine(log string) (string, error) {
	text, err := os.ReadFile(log)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		if rest, found := strings.CutPrefix(strings.TrimSpace(line), "ready "); found {
			return rest, nil
		}
	}
	return "", errors.New("not ready yet")
}

// clockTick is the unit of /proc/PID/stat; the kernel shows all programs 100 Hz.
const clockTick = 10 * time.Millisecond

// processorTime is what the child has used of the processors so far.
func (p *process) processorTime() time.Duration {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/stat")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), ") ") // the name may hold blanks
	fields := strings.Fields(rest)
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * clockTick
}

// memoryOf gives one of the child's memory figures in bytes: VmRSS, VmHWM.
func (p *process) memoryOf(name string) float64 {
	kilobytes, _, _ := strings.Cut(fieldOf("/proc/"+strconv.Itoa(p.cmd.Process.Pid)+"/status", name), " ")
	n, _ := strconv.Atoi(kilobytes)
	return float64(n) * 1024
}

// freePort picks a port nobody listens on.
func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
