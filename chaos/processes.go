package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"time"
)

// The kinds of processes that are killed.
const (
	kindREST    = "rest"
	kindWorker  = "worker"
	kindMariaDB = "mariadb"
	kindRedis   = "redis"
)

var kinds = []string{kindREST, kindWorker, kindMariaDB, kindRedis}

// restartPause is how long a process that ended by itself waits for its next
// start, as an init system would have it: a node does not start without its
// database.
const restartPause = 300 * time.Millisecond

// process is a child that is started again whenever it ends.
type process struct {
	kind, name string
	command    []string
	env        []string
	dir        string // working folder; its log is kept here
	// answers asks the process once whether it does its work.
	answers func(context.Context) error

	mu    sync.Mutex
	pid   int           // 0 while it is down
	pause time.Duration // before its next start; 0 when it was not killed
	kills int
	quits int // ends nobody caused
}

// keep runs the process, again and again, until ctx ends; then it is dead.
func (p *process) keep(ctx context.Context) {
	// The system kills the child with the thread that started it, not with the
	// program, so this goroutine keeps its thread.
	runtime.LockOSThread()
	for ctx.Err() == nil {
		if err := p.live(ctx); err != nil {
			p.note("not started: %v", err)
		}
		_ = sleep(ctx, p.rest())
	}
}

// live is one life of the process.
func (p *process) live(ctx context.Context) error {
	log, err := p.openLog()
	if err != nil {
		return err
	}
	defer log.Close()
	child := exec.Command(p.command[0], p.command[1:]...)
	child.Env, child.Dir, child.Stdout, child.Stderr = p.env, p.dir, log, log
	child.SysProcAttr = ownGroup()
	if err := child.Start(); err != nil {
		return err
	}
	p.born(child.Process.Pid)
	stop := context.AfterFunc(ctx, func() { killGroup(child.Process.Pid) })
	defer stop()
	// However it ends, it is started again.
	_ = child.Wait()
	p.gone(ctx.Err() != nil)
	return nil
}

func (p *process) born(pid int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pid = pid
}

// gone notes the end of a life. At the storm's own end nothing is counted.
func (p *process) gone(atTheEnd bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pid = 0
	if p.pause == 0 && !atTheEnd {
		p.quits++
	}
}

// rest is the pause before the next start.
func (p *process) rest() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	pause := p.pause
	p.pause = 0
	if pause == 0 {
		return restartPause
	}
	return pause
}

// kill ends the present life with kill -9 and says how long the process stays
// down. It gives the id of the process, 0 when it was down already.
func (p *process) kill(pause time.Duration) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pid == 0 || p.pause != 0 {
		return 0
	}
	p.pause = pause
	p.kills++
	killGroup(p.pid)
	return p.pid
}

// counts gives how often the process was killed and how often it ended by
// itself.
func (p *process) counts() (kills, quits int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.kills, p.quits
}

// ready waits until the process does its work.
func (p *process) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		err := p.answers(ctx)
		if err == nil {
			return nil
		}
		if stopped := sleep(ctx, 50*time.Millisecond); stopped != nil {
			return fmt.Errorf("%s does not answer: %w; its log ends with:\n%s", p.name, err, p.logEnd())
		}
	}
}

func (p *process) logPath() string { return filepath.Join(p.dir, p.name+".log") }

func (p *process) openLog() (*os.File, error) {
	return os.OpenFile(p.logPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
}

// note adds a line of ours to the process's log.
func (p *process) note(format string, args ...any) {
	log, err := p.openLog()
	if err != nil {
		return // what cannot be noted still happened
	}
	defer log.Close()
	fmt.Fprintf(log, "chaos %s: %s\n", time.Now().Format("15:04:05.000"), fmt.Sprintf(format, args...))
}

func (p *process) logEnd() string {
	text, err := os.ReadFile(p.logPath())
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-2000):])
}

// sleep waits, or gives the context's error.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
