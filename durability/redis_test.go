package durability

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// redisServer is a redis-server of the test's own, to be emptied and killed.
type redisServer struct {
	port string
	cmd  *exec.Cmd
}

func startRedis(t testing.TB) *redisServer {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server is not installed: a Redis that dies is not tested")
	}
	s := &redisServer{port: freePort(t)}
	s.start(t)
	t.Cleanup(s.kill)
	return s
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

func (s *redisServer) dsn() string { return "redis://127.0.0.1:" + s.port }

// start returns when the server says that it takes connections.
func (s *redisServer) start(t testing.TB) {
	t.Helper()
	s.cmd = exec.Command("redis-server", "--port", s.port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
	s.cmd.Dir = t.TempDir()
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "eady to accept connections") {
			return
		}
	}
	t.Fatal("redis-server did not start")
}

func (s *redisServer) kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait() // killed
}

func (s *redisServer) flush(t testing.TB) {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:" + s.port, DisableIdentity: true})
	defer client.Close()
	if err := client.FlushAll(t.Context()).Err(); err != nil {
		t.Error(err)
	}
}

// TestRedisIsExpendable empties Redis, restarts it and takes it away while
// writes come in and run. No accepted job is lost or done twice.
func TestRedisIsExpendable(t *testing.T) {
	t.Parallel()
	server := startRedis(t)
	f := openShop(t)
	log := &logBook{}
	n := openNode(t, f, nodeOptions{redis: server.dsn(), log: log.logger()})
	n.start(t)

	var ids []string
	price := 0
	accept := func(t testing.TB) {
		price++
		// Just after a restart a write may still be refused; the client repeats it.
		requestID, payload := uuid.NewString(), priceChange(1+price%7, fmt.Sprintf("%d.25", 100+price))
		await(t, 20*time.Second, "the acceptance of a write", func() bool {
			answer, err := n.send(t.Context(), bridge.OpUpdateProduct, requestID, payload)
			if err == nil {
				ids = append(ids, answer.Acceptance.JobID)
			} else if bridge.AsError(err).Code != bridge.CodeQueueUnavailable {
				t.Errorf("a write around a restart: %v", err)
			}
			return err == nil
		})
	}
	for range 10 {
		accept(t)
		server.flush(t)
	}
	for range 3 {
		accept(t)
		server.kill()
		server.start(t)
	}
	await(t, 10*time.Second, "the queue after a restart", func() bool { return n.queue.Ready(t.Context()) == nil })
	for range 5 {
		accept(t)
	}
	for _, job := range n.allEnd(t, 30*time.Second, ids...) {
		ended(t, job, schemas.Succeeded)
	}
	effects := f.shop.Effects()
	if got := effects.Count(http.MethodPatch, "products", 0); got != len(ids) || len(effects.Overlaps) > 0 {
		t.Errorf("%d writes for %d jobs; overlaps %v", got, len(ids), effects.Overlaps)
	}
	t.Logf("%d jobs through 10 FLUSHALLs and 3 restarts", len(ids))
}

// absence is how long Redis stays away; the contract's 60 s with
// DURABILITY_LONG.
func absence(t testing.TB) time.Duration {
	if thorough() {
		return time.Minute
	}
	t.Log("Redis is away for 4 s; DURABILITY_LONG=1 makes it 60 s")
	return 4 * time.Second
}

// TestRedisAway: while Redis is away reads and polling answer, writes are
// refused with an advice and leave nothing behind, accepted jobs keep running,
// and afterwards the same request ids work. Replays are right from the
// database.
func TestRedisAway(t *testing.T) {
	t.Parallel()
	away := absence(t)
	server := startRedis(t)
	f := openShop(t)
	n := openNode(t, f, nodeOptions{redis: server.dsn()})

	// Accepted before, and run only while Redis is away.
	var waiting []string
	for product := 1; product <= 6; product++ {
		waiting = append(waiting, n.accept(t, bridge.OpUpdateProduct, priceChange(product, "3.33")))
	}
	early := uuid.NewString()
	if _, err := n.send(t.Context(), bridge.OpUpdateProduct, early, priceChange(7, "7.77")); err != nil {
		t.Fatal(err)
	}
	server.kill()
	gone := time.Now()
	n.start(t)

	read, _ := bridge.FindOperation(bridge.OpGetProduct)
	refused := map[string]string{} // request id → payload
	var slowest time.Duration
	for n1 := 0; time.Since(gone) < away; n1++ {
		began := time.Now()
		if _, err := n.desk.Do(t.Context(), writer, bridge.Request{Operation: bridge.OpGetProduct, Arguments: []byte(`{"product_id":9}`)}); err != nil {
			t.Errorf("a read: %v", err)
		}
		poll := fmt.Appendf(nil, `{"job_id":%q}`, waiting[0])
		if _, err := n.desk.Do(t.Context(), writer, bridge.Request{Operation: bridge.OpGetJobStatus, Arguments: poll}); err != nil {
			t.Errorf("polling: %v", err)
		}
		if window, err := n.desk.Meter(t.Context(), writer, read); err != nil || !window.Allowed {
			t.Errorf("the rate window of reads: %+v, %v", window, err)
		}
		slowest = max(slowest, time.Since(began))
		if n1%20 > 0 {
			continue
		}
		id, payload := uuid.NewString(), priceChange(10, fmt.Sprintf("%d.75", 200+len(refused)))
		_, err := n.send(t.Context(), bridge.OpUpdateProduct, id, payload)
		fault := bridge.AsError(err)
		if err == nil || fault.Code != bridge.CodeQueueUnavailable || fault.RetryAfter <= 0 {
			t.Errorf("a write while Redis is away: %v, retry after %v", err, fault.RetryAfter)
		}
		if left, err := n.store.Recall(t.Context(), writer.ClientID, id, ""); err != nil || left != nil {
			t.Errorf("the refused write left something: %+v, %v", left, err)
		}
		refused[id] = payload
	}
	for _, job := range n.allEnd(t, 20*time.Second, waiting...) {
		ended(t, job, schemas.Succeeded)
	}
	if f.shop.Effects().Count(http.MethodPatch, "products", 10) > 0 {
		t.Error("a refused write reached the shop")
	}
	t.Logf("Redis away for %v: 6 accepted jobs ran, %d writes refused, slowest round of reads %v", away, len(refused), slowest.Round(time.Millisecond))

	server.start(t)
	await(t, 10*time.Second, "the queue", func() bool { return n.queue.Ready(t.Context()) == nil })
	for id, payload := range refused {
		answer, err := n.send(t.Context(), bridge.OpUpdateProduct, id, payload)
		if err != nil {
			t.Errorf("the retry with the same request id: %v", err)
			continue
		}
		ended(t, n.allEnd(t, 20*time.Second, answer.Acceptance.JobID)[0], schemas.Succeeded)
	}
	n.replaysAreRight(t, f, early)
}

// replaysAreRight asks twice for what was done before Redis lost everything:
// from the database, then from the cache that the first answer filled.
func (n *node) replaysAreRight(t *testing.T, f *front, early string) {
	t.Helper()
	before := len(f.shop.Effects().Writes)
	for _, source := range []string{"database", "cache"} {
		answer, err := n.send(t.Context(), bridge.OpUpdateProduct, early, priceChange(7, "7.77"))
		if err != nil || answer.Replay == nil {
			t.Errorf("replay from the %s: %+v, %v", source, answer, err)
			continue
		}
		var view schemas.Job
		if err := json.Unmarshal(answer.Replay, &view); err != nil || view.Status != schemas.Succeeded {
			t.Errorf("replay from the %s: %s, %v", source, answer.Replay, err)
		}
		if _, err := n.send(t.Context(), bridge.OpUpdateProduct, early, priceChange(7, "8.88")); bridge.AsError(err).Code != bridge.CodeIdempotencyConflict {
			t.Errorf("another intention under a known id (%s): %v", source, err)
		}
	}
	if got := len(f.shop.Effects().Writes); got != before {
		t.Errorf("replays wrote to the shop %d times", got-before)
	}
}

// TestStreamOfNonsense puts into the stream what no one should: ids of nobody,
// the same id many times, entries without an id, long ones, other fields, and a
// value of another type in the stream's place. Jobs run all the same, once.
func TestStreamOfNonsense(t *testing.T) {
	t.Parallel()
	server := startRedis(t)
	f := openShop(t)
	log := &logBook{}
	n := openNode(t, f, nodeOptions{redis: server.dsn(), log: log.logger()})
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:" + server.port, DisableIdentity: true})
	defer client.Close()
	stream := "bridge:jobs"
	id := n.accept(t, bridge.OpUpdateProduct, priceChange(1, "3.33"))
	for _, values := range [][]string{
		{"job", id}, {"job", id}, {"job", id}, {"job", uuid.NewString()}, {"job", ""}, {"job", strings.Repeat("x", 100000)},
		{"foreign", "thing"}, {"job", "'; DROP TABLE jobs; --"}, {"job", "\x00\xff"}, {"job", id, "more", "fields"},
	} {
		if err := client.XAdd(t.Context(), &redis.XAddArgs{Stream: stream, Values: values}).Err(); err != nil {
			t.Fatal(err)
		}
	}
	n.start(t)
	ended(t, n.allEnd(t, 20*time.Second, id)[0], schemas.Succeeded)
	await(t, 20*time.Second, "an empty stream", func() bool { return client.XLen(context.Background(), stream).Val() == 0 })
	if dropped := log.count("without a job id is dropped"); dropped != 3 {
		t.Errorf("%d entries were logged as dropped, want 3", dropped)
	}
	// A foreign value where the stream should be.
	if err := client.Del(t.Context(), stream).Err(); err != nil {
		t.Fatal(err)
	}
	if err := client.Set(t.Context(), stream, "not a stream", 0).Err(); err != nil {
		t.Fatal(err)
	}
	second := n.accept(t, bridge.OpUpdateProduct, priceChange(1, "4.44"))
	ended(t, n.allEnd(t, 20*time.Second, second)[0], schemas.Succeeded)
	await(t, 20*time.Second, "a word in the log", func() bool { return log.count("Redis refuses to give job ids") > 0 })
	if got := log.count("Redis refuses to give job ids"); got != 1 {
		t.Errorf("logged %d times, want once", got)
	}
	if got := f.shop.Effects().Count(http.MethodPatch, "products", 1); got != 2 {
		t.Errorf("%d writes for 2 jobs", got)
	}
}
