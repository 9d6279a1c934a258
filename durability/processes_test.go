package durability

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// program is the real program, built once a run from the module these tests
// are in, or the one that DURABILITY_PROGRAM names. The race detector stays out
// of it: it is killed, not inspected.
var program = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("DURABILITY_PROGRAM"); path != "" {
		return path, nil
	}
	dir, err := os.MkdirTemp("", "durability-program-")
	if err != nil {
		return "", err
	}
	built = dir
	path := filepath.Join(dir, "bridge")
	out, err := exec.Command("go", "build", "-o", path, "github.com/prestashop-bridge/bridge/cmd/bridge").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

var built string

func removeBuilt() {
	if built != "" {
		_ = os.RemoveAll(built)
	}
}

// process is one process of the program.
type process struct {
	name string
	cmd  *exec.Cmd
	log  *logBook
	gone chan struct{}
}

// startWorker runs `bridge serve --only worker` on a database and a shop, jobs
// side by side as many as there are workers.
func startWorker(t testing.TB, f *front, name, databaseURL string, workers int) *process {
	t.Helper()
	return startNode(t, name, "worker", databaseURL, "PRESTASHOP_URL="+f.url(name), fmt.Sprintf("JOB_WORKERS=%d", workers), "IMAGE_ALLOWED_HOSTS="+fronts.host)
}

// startNode runs one part of the program alone, and returns when it says that
// it is ready.
func startNode(t testing.TB, name, part, databaseURL string, env ...string) *process {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	dir := scratch(t)
	p := &process{name: name, log: &logBook{}, gone: make(chan struct{})}
	p.cmd = exec.Command(path, "serve", "--only", part, "--listen", "127.0.0.1:0")
	p.cmd.Dir, p.cmd.Stderr, p.cmd.Stdout = dir, p.log, p.log
	p.cmd.Env = append(os.Environ(),
		"APP_ENV=dev", "STATE_DIR="+dir, "DATABASE_URL="+databaseURL, "REDIS_DSN=",
		"OAUTH_CLIENT_ID=client", "OAUTH_CLIENT_SECRET=durability-durability", "HMAC_SECRET_CURRENT=durability-durability-durability-durability",
		"PRESTASHOP_WS_KEY="+shopKey, "PRESTASHOP_EMPLOYEE_ID=1", "SHOP_SETTLE_SECONDS=1",
	)
	p.cmd.Env = append(p.cmd.Env, env...)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.gone)
		_ = p.cmd.Wait() // it is killed in the end; its log tells the rest
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("log of %s:\n%s", name, p.log)
		}
	})
	deadline := time.After(60 * time.Second)
	for p.log.count("ready") == 0 {
		select {
		case <-p.gone:
			t.Fatalf("%s ended at its start:\n%s", name, p.log)
		case <-deadline:
			t.Fatalf("%s is not ready:\n%s", name, p.log)
		case <-time.After(10 * time.Millisecond):
		}
	}
	return p
}

// kill is kill -9; it returns when the process is gone.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.gone
}

func (p *process) signal(t testing.TB, sig syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		t.Errorf("%s: %v", p.name, err)
	}
}

// eachDatabase runs a test on an SQLite file and on the server of
// TEST_MYSQL_URL, on a database of its own.
func eachDatabase(t *testing.T, test func(t *testing.T, databaseURL string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, "sqlite:"+filepath.Join(scratch(t), "bridge.db"))
	})
	t.Run("mysql", func(t *testing.T) {
		t.Parallel()
		test(t, ownDatabase(t))
	})
}

// stop is SIGSTOP; it returns when no thread of the process runs any more,
// which on a busy machine is later than the signal.
func (p *process) stop(t testing.TB) {
	t.Helper()
	p.signal(t, syscall.SIGSTOP)
	threads := filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid), "task", "*", "stat")
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		files, _ := filepath.Glob(threads)
		running := 0
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err == nil && !bytes.Contains(raw, []byte(") T ")) {
				running++
			}
		}
		if running == 0 {
			return // also where there is no /proc
		}
	}
	t.Errorf("%s does not stop", p.name)
}
