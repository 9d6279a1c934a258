package queue

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
)

// server is a redis-server of the test's own, to be killed and stopped.
type server struct {
	port    string
	process *exec.Cmd
}

func startServer(t *testing.T) *server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server is not installed: a dying Redis is not tested")
	}
	_, port, err := net.SplitHostPort(closedAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	s := &server{port: port}
	s.start(t)
	t.Cleanup(s.kill)
	return s
}

func (s *server) dsn() string { return "redis://127.0.0.1:" + s.port }

// start returns when the server says that it accepts connections.
func (s *server) start(t *testing.T) {
	t.Helper()
	s.process = exec.Command("redis-server", "--port", s.port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
	s.process.Dir = t.TempDir()
	out, err := s.process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	var said strings.Builder
	for lines.Scan() {
		fmt.Fprintln(&said, lines.Text())
		if strings.Contains(lines.Text(), "eady to accept connections") {
			return
		}
	}
	t.Fatalf("redis-server did not start:\n%s", said.String())
}

func (s *server) kill() {
	_ = s.process.Process.Kill()
	_ = s.process.Wait()
}

func (s *server) signal(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := s.process.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

// harvest works due jobs and tells when none is left.
type harvest struct {
	ledger
	running sync.Map
	twice   chan string
	tick    chan string // each worked id
}

func newHarvest() *harvest {
	return &harvest{twice: make(chan string, 1000), tick: make(chan string, 10_000)}
}

// work is a Work that claims, takes a moment and finishes.
func (h *harvest) work(ctx context.Context, id string) error {
	if _, loaded := h.running.LoadOrStore(id, true); loaded {
		h.twice <- id
	}
	defer h.running.Delete(id)
	if strings.HasPrefix(id, "stream") {
		h.tick <- id
		return nil
	}
	select {
	case <-time.After(time.Millisecond):
	case <-ctx.Done():
		return ctx.Err()
	}
	if !h.done(id) {
		return bridge.ErrNotClaimable
	}
	h.tick <- id
	return nil
}

// accept makes jobs due and announces them, as the hub does.
func (h *harvest) accept(t *testing.T, q *Queue, from, count int) {
	for n := from; n < from+count; n++ {
		id := fmt.Sprint("job ", n)
		h.add(id)
		_ = q.Announce(t.Context(), id)
	}
}

func (h *harvest) awaitAll(t *testing.T, count int) {
	t.Helper()
	seen := map[string]int{}
	for len(seen) < count {
		seen[await(t, fmt.Sprintf("job %d of %d", len(seen)+1, count), h.tick)]++
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("%s was worked %d times", id, n)
		}
	}
	if len(h.twice) != 0 {
		t.Errorf("%s ran twice at once", <-h.twice)
	}
}

// awaitStream proves that ids come over the stream again: these are never due.
func (h *harvest) awaitStream(t *testing.T, q *Queue, id string) {
	t.Helper()
	until := time.After(deadline)
	for {
		_ = q.Announce(t.Context(), id)
		select {
		case got := <-h.tick:
			if got == id {
				return
			}
		case <-time.After(50 * time.Millisecond): // announced into a Redis still away: once more
		case <-until:
			t.Fatalf("the stream does not carry ids within %v", deadline)
		}
	}
}

func TestEveryDueJobIsWorkedThoughRedisDies(t *testing.T) {
	s := startServer(t)
	log := &logBook{}
	q := open(t, s.dsn(), Options{Logger: log.logger(slog.LevelInfo)})
	h := newHarvest()
	stop := run(t, NewRunner(q, RunnerOptions{Work: h.work, Due: h.Due}))

	h.accept(t, q, 0, 100)
	s.kill()
	h.accept(t, q, 100, 100)
	h.awaitAll(t, 200) // before Redis is back

	s.start(t)
	h.accept(t, q, 200, 100)
	h.awaitAll(t, 100)
	h.awaitStream(t, q, "stream 1")
	stop()
	if lost, found := log.count("Redis does not answer"), log.count("Redis answers again"); lost != 1 || found != 1 {
		t.Errorf("lost was logged %d times, found %d times:\n%s", lost, found, log)
	}
}

func TestEveryDueJobIsWorkedThoughRedisIsEmptied(t *testing.T) {
	s := startServer(t)
	q := open(t, s.dsn(), Options{})
	h := newHarvest()
	stop := run(t, NewRunner(q, RunnerOptions{Work: h.work, Due: h.Due}))
	for round := range 5 {
		h.accept(t, q, 100*round, 100)
		if err := q.redis.FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
	}
	h.awaitAll(t, 500)
	h.awaitStream(t, q, "stream 1")
	if err := q.redis.FlushAll(t.Context()).Err(); err != nil { // while the reader waits
		t.Fatal(err)
	}
	h.awaitStream(t, q, "stream 2")
	stop()
}

func TestJobsAcceptedWithoutRedisAreWorkedFromTheStart(t *testing.T) {
	q := open(t, "redis://"+closedAddress(t), Options{})
	h := newHarvest()
	h.accept(t, q, 0, 50)
	stop := run(t, NewRunner(q, RunnerOptions{Work: h.work, Due: h.Due}))
	h.awaitAll(t, 50)
	stop()
}

func TestRunningJobOutlivesRedis(t *testing.T) {
	s := startServer(t)
	q := open(t, s.dsn(), Options{})
	started, finish, ended := make(chan string, 1), make(chan struct{}), make(chan error, 1)
	stop := run(t, NewRunner(q, RunnerOptions{Due: nothingDue, Work: func(ctx context.Context, id string) error {
		started <- id
		<-finish
		ended <- ctx.Err()
		return nil
	}}))
	announce(t, q, "long")
	await(t, "the job's start", started)
	s.kill()
	close(finish)
	if err := await(t, "the job's end", ended); err != nil {
		t.Errorf("the job was disturbed: %v", err)
	}
	stop()
}

// stall is what a busy machine may add to a second; the library left to itself
// would wait twenty. TestLinkBoundsEachCall measures exactly.
const stall = 5 * time.Second

func TestHangingRedisIsNoticedFastAndThenLeftAlone(t *testing.T) {
	s := startServer(t)
	q := open(t, s.dsn(), Options{Patience: 900 * time.Millisecond, Limits: contractLimits})
	announce(t, q, "job")
	s.signal(t, syscall.SIGSTOP)

	begin := time.Now()
	var fault *bridge.Error
	if err := q.Announce(t.Context(), "job"); !errors.As(err, &fault) || fault.Code != bridge.CodeQueueUnavailable {
		t.Errorf("Announce: %v", err)
	}
	if took := time.Since(begin); took > stall { // 0.9 s on a quiet machine
		t.Errorf("the silence took %v to notice", took)
	}
	begin = time.Now()
	for range 100 {
		if w := take(t, q, "c", bridge.RateRead); !w.Allowed {
			t.Error("a read was refused")
		}
	}
	// A hundred requests may meet one or two probes, never a hundred timeouts.
	if took := time.Since(begin); took > 2*stall {
		t.Errorf("a hundred reads took %v", took)
	}
	s.signal(t, syscall.SIGCONT)
	back := make(chan struct{})
	go func() {
		defer close(back)
		for q.Ready(t.Context()) != nil && t.Context().Err() == nil {
			_, pause := q.link.away()
			wait(t.Context(), pause)
		}
	}()
	await(t, "the end of the silence", back)
}
