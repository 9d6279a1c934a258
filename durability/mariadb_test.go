package durability

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// mariaDB is a server of the test's own, on its own folder, to be killed.
type mariaDB struct {
	dir, port string
	cmd       *exec.Cmd
}

// inSbin finds a program that Debian keeps outside of users' PATH.
func inSbin(names ...string) string {
	for _, name := range names {
		for _, at := range []string{name, "/usr/sbin/" + name, "/usr/local/sbin/" + name} {
			if path, err := exec.LookPath(at); err == nil {
				return path
			}
		}
	}
	return ""
}

func startMariaDB(t testing.TB) *mariaDB {
	t.Helper()
	server, install := inSbin("mariadbd", "mysqld"), inSbin("mariadb-install-db", "mysql_install_db")
	if server == "" || install == "" {
		t.Skip("mariadbd is not installed: a database that dies is not tested")
	}
	m := &mariaDB{dir: scratch(t), port: freePort(t)}
	arguments := append([]string{"--no-defaults"}, m.asRoot()...)
	arguments = append(arguments, "--datadir="+filepath.Join(m.dir, "data"), "--auth-root-authentication-method=normal", "--skip-test-db")
	if out, err := exec.Command(install, arguments...).CombinedOutput(); err != nil {
		t.Fatalf("the data folder cannot be made: %v\n%s", err, out)
	}
	m.start(t)
	t.Cleanup(m.kill)
	onServer(t, m.url(""), "CREATE DATABASE bridge")
	return m
}

func (m *mariaDB) asRoot() []string {
	if os.Getuid() == 0 {
		return []string{"--user=root"}
	}
	return nil
}

func (m *mariaDB) url(database string) string {
	return "mysql://root@127.0.0.1:" + m.port + "/" + database
}

// start returns when the server greets.
func (m *mariaDB) start(t testing.TB) {
	t.Helper()
	arguments := append([]string{"--no-defaults"}, m.asRoot()...)
	m.cmd = exec.Command(inSbin("mariadbd", "mysqld"), append(arguments,
		"--datadir="+filepath.Join(m.dir, "data"), "--tmpdir="+m.dir, "--socket="+filepath.Join(m.dir, "mysql.sock"),
		"--pid-file="+filepath.Join(m.dir, "mysql.pid"), "--bind-address=127.0.0.1", "--port="+m.port, "--skip-name-resolve",
		"--innodb-flush-log-at-trx-commit=1", "--innodb-buffer-pool-size=64M", "--performance-schema=OFF")...)
	if err := m.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, time.Minute, "a greeting of mariadbd", m.greets)
}

func (m *mariaDB) greets() bool {
	conn, err := net.DialTimeout("tcp", "127.0.0.1:"+m.port, time.Second)
	if err != nil {
		return false
	}
	defer conn.Close()
	_ = conn.SetReadDeadline(time.Now().Add(time.Second))
	n, err := conn.Read(make([]byte, 5))
	return err == nil && n == 5
}

func (m *mariaDB) kill() {
	_ = m.cmd.Process.Kill()
	_ = m.cmd.Wait() // killed
}

// TestMariaDBRestarts kills -9 the database twice while writes are sent and
// jobs run. A client that retries with the same request id until it is
// answered gets each write carried out exactly once; while the database is
// away it hears store_unavailable with an advice; nobody has to help.
func TestMariaDBRestarts(t *testing.T) {
	t.Parallel()
	db := startMariaDB(t)
	f := openShop(t)
	log := &logBook{}
	n := openNode(t, f, nodeOptions{database: db.url("bridge"), log: log.logger(), maxAttempts: 10})
	n.start(t)

	const writers, each = 4, 30
	var mu sync.Mutex
	accepted := map[string]string{} // job id → request id
	refusals := 0
	sends := make(chan struct{}, writers*each)
	var all sync.WaitGroup
	for one := range writers {
		all.Go(func() {
			for k := range each {
				id, payload := uuid.NewString(), priceChange(1+one, fmt.Sprintf("%d.5", 100+k))
				jobID, refused := n.untilAnswered(t, id, payload)
				mu.Lock()
				accepted[jobID] = id
				refusals += refused
				mu.Unlock()
				sends <- struct{}{}
			}
		})
	}
	for range 2 {
		for range writers * each / 4 {
			<-sends
		}
		db.kill()
		n.saysAway(t)
		db.start(t)
	}
	all.Wait()
	if len(accepted) != writers*each {
		t.Fatalf("%d jobs for %d requests", len(accepted), writers*each)
	}
	for jobID, requestID := range accepted {
		ended(t, n.allEnd(t, 2*time.Minute, jobID)[0], schemas.Succeeded)
		if again, err := n.store.Recall(t.Context(), writer.ClientID, requestID, ""); err != nil || again == nil || again.Job.ID != jobID {
			t.Errorf("the request %s was answered with the job %s and stands for %+v, %v", requestID, jobID, again, err)
		}
	}
	effects := f.shop.Effects()
	if got := effects.Count(http.MethodPatch, "products", 0); got != writers*each || len(effects.Overlaps) > 0 {
		t.Errorf("%d writes for %d jobs; overlaps %v", got, writers*each, effects.Overlaps)
	}
	if refusals == 0 {
		t.Error("no write was sent while the database was away: nothing is proven")
	}
	t.Logf("%d jobs over 2 kill -9 of mariadbd, %d refusals on the way", writers*each, refusals)
}

// untilAnswered is the client of the contract: the same request id until there
// is an answer.
func (n *node) untilAnswered(t *testing.T, requestID, payload string) (jobID string, refusals int) {
	deadline := time.Now().Add(2 * time.Minute)
	for time.Now().Before(deadline) {
		answer, err := n.send(context.Background(), bridge.OpUpdateProduct, requestID, payload)
		if err == nil {
			return answer.Acceptance.JobID, refusals
		}
		fault := bridge.AsError(err)
		if fault.Code != bridge.CodeStoreUnavailable || fault.RetryAfter <= 0 {
			t.Errorf("a write while the database is away: %v (retry after %v)", err, fault.RetryAfter)
		}
		refusals++
		time.Sleep(50 * time.Millisecond) // the client's own pause
	}
	t.Errorf("never answered: %s", payload)
	return "", refusals
}

// saysAway checks what callers hear of a database that is away.
func (n *node) saysAway(t *testing.T) {
	t.Helper()
	ask := fmt.Appendf(nil, `{"job_id":%q}`, newID())
	_, err := n.desk.Do(t.Context(), writer, bridge.Request{Operation: bridge.OpGetJobStatus, Arguments: ask})
	if fault := bridge.AsError(err); err == nil || fault.Code != bridge.CodeStoreUnavailable || fault.RetryAfter <= 0 {
		t.Errorf("polling while the database is away: %v", err)
	}
	if _, err := n.desk.Do(t.Context(), writer, bridge.Request{Operation: bridge.OpGetProduct, Arguments: []byte(`{"product_id":9}`)}); err != nil {
		t.Errorf("reading a product while the database is away: %v", err)
	}
}

// TestReadOnlyDatabase makes the database read-only for a while, as a failover
// does: writes are refused with an advice, reads and polling answer, accepted
// jobs wait, and afterwards everything goes on by itself.
func TestReadOnlyDatabase(t *testing.T) {
	t.Parallel()
	db := startMariaDB(t)
	for _, statement := range []string{
		"CREATE USER bridge@127.0.0.1", "GRANT ALL ON bridge.* TO bridge@127.0.0.1", // no right to write all the same
	} {
		onServer(t, db.url(""), statement)
	}
	f := openShop(t)
	log := &logBook{}
	n := openNode(t, f, nodeOptions{database: "mysql://bridge@127.0.0.1:" + db.port + "/bridge", log: log.logger()})
	var ids []string
	for product := 1; product <= 5; product++ {
		ids = append(ids, n.accept(t, bridge.OpUpdateProduct, priceChange(product, "3.33")))
	}
	onServer(t, db.url(""), "SET GLOBAL read_only = 1")
	n.start(t)
	requestID, payload := uuid.NewString(), priceChange(6, "6.66")
	_, err := n.send(t.Context(), bridge.OpUpdateProduct, requestID, payload)
	if fault := bridge.AsError(err); err == nil || fault.Code != bridge.CodeStoreUnavailable || fault.RetryAfter <= 0 {
		t.Errorf("a write on a read-only database: %v", err)
	}
	pause := time.NewTimer(3 * time.Second) // the observation itself: how much is logged in that time
	<-pause.C
	if lines := log.count("level=WARN") + log.count("level=ERROR"); lines == 0 || lines > 20 {
		t.Errorf("%d lines were logged in 3 s of a read-only database; each fault is to be logged once:\n%.2000s", lines, log)
	}
	for _, id := range ids {
		if job := n.job(t, id); job.Status != schemas.Accepted {
			t.Errorf("a job while nothing can be journalled: %s", story(job))
		}
	}
	if writes := f.shop.Effects().Writes; len(writes) > 0 {
		t.Errorf("the shop was written to without a journal: %v", writes)
	}
	onServer(t, db.url(""), "SET GLOBAL read_only = 0")
	jobID, _ := n.untilAnswered(t, requestID, payload)
	for _, job := range n.allEnd(t, 60*time.Second, append(ids, jobID)...) {
		ended(t, job, schemas.Succeeded)
	}
	if got := f.shop.Effects().Count(http.MethodPatch, "products", 0); got != 6 {
		t.Errorf("%d writes for 6 jobs", got)
	}
}
