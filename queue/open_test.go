package queue

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/prestashop-bridge/bridge/bridge"
)

func TestOpenRefusesWhatIsNoDSNWithoutShowingIt(t *testing.T) {
	for _, dsn := range []string{
		"localhost:6379",
		"http://:hunter2@localhost",
		"unix:///run/redis.sock",
		"redis://:hunter2@localhost:port",
		"redis://user:hun/ter2@localhost:6379/0",
		"redis://localhost:hunter2",
		"redis://:hunter2@localhost/zero",
		"redis://:hunter2@localhost/0?unknown=hunter2",
		"redis://:hunter2%zz@localhost",
	} {
		q, err := Open(t.Context(), dsn, Options{})
		if err == nil {
			_ = q.Close()
			t.Errorf("%s was taken", dsn)
			continue
		}
		if !errors.Is(err, errDSN) || strings.Contains(err.Error(), "hun") {
			t.Errorf("%s: %v", dsn, err)
		}
	}
}

func TestOpenSucceedsWithoutRedisAndNoticesItFast(t *testing.T) {
	log := &logBook{}
	begin := time.Now()
	q := open(t, "redis://user:hunter2@"+closedAddress(t)+"/3", Options{Patience: 900 * time.Millisecond, Logger: log.logger(slog.LevelDebug)})
	err := q.Ready(t.Context())
	if err == nil {
		t.Error("Ready is content")
	}
	if took := time.Since(begin); took > stall {
		t.Errorf("an absent Redis took %v to notice", took)
	}
	if n := log.count("Redis does not answer"); n != 1 {
		t.Errorf("the absence was logged %d times:\n%s", n, log)
	}
	if log.count("level=DEBUG msg=\"redis: connection pool") == 0 {
		t.Errorf("the library's lines go elsewhere:\n%s", log)
	}
	if strings.Contains(log.String()+fmt.Sprint(err), "hunter2") {
		t.Errorf("the password is shown: %v\n%s", err, log)
	}
}

func TestWrongPasswordIsAwayAndIsNotShown(t *testing.T) {
	server := miniredis.RunT(t)
	server.RequireAuth("right")
	log := &logBook{}
	q := open(t, "redis://:hunter2@"+server.Addr(), Options{Logger: log.logger(slog.LevelDebug)})
	err := q.Ready(t.Context())
	var fault *bridge.Error
	if !errors.As(err, &fault) || fault.Code != bridge.CodeQueueUnavailable {
		t.Errorf("%v", err)
	}
	if strings.Contains(log.String()+fmt.Sprint(err), "hunter2") {
		t.Errorf("the password is shown: %v\n%s", err, log)
	}
	if log.count("Redis does not answer") != 1 {
		t.Errorf("the log lacks the fault:\n%s", log)
	}
}

func TestRedissSpeaksTLS(t *testing.T) {
	web := httptest.NewTLSServer(nil) // for its certificate
	defer web.Close()
	server, err := miniredis.RunTLS(&tls.Config{Certificates: web.TLS.Certificates})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	if err := open(t, "rediss://"+server.Addr()+"?skip_verify=true", Options{}).Ready(t.Context()); err != nil {
		t.Errorf("with TLS: %v", err)
	}
	if err := open(t, "rediss://"+server.Addr(), Options{}).Ready(t.Context()); err == nil {
		t.Error("an unknown certificate was accepted")
	}
}

func TestOptionsHaveDefaults(t *testing.T) {
	got := Options{}.withDefaults()
	if got.KeyPrefix != "bridge:" || got.Node == "" || got.ReplayTTL != 24*time.Hour || got.Patience != 900*time.Millisecond || got.Logger == nil || got.Now == nil {
		t.Errorf("%+v", got)
	}
	if other := (Options{}).withDefaults(); other.Node == got.Node {
		t.Errorf("two processes are both called %s", got.Node)
	}
}

func TestKeysOfDifferentIDsNeverMeet(t *testing.T) {
	q := &Queue{prefix: "p:"}
	seen := map[string][]string{}
	for _, parts := range [][]string{
		{"a", "b"}, {"ab", ""}, {"", "ab"}, {"a:b", ""}, {"a", ":b"}, {"a,0:b", "c"}, {"a", "b,0:c"}, {"a,1:b", "c"}, {"a", "b,1:c"}, {"a\x00b", "c"}, {"a", "\x00bc"},
	} {
		key := q.key("replay", parts...)
		if seen[key] != nil {
			t.Errorf("%q and %q share a key", parts, seen[key])
		}
		seen[key] = parts
	}
}

func TestAllKeysStandUnderThePrefix(t *testing.T) {
	q := open(t, "", Options{KeyPrefix: "mine:", Limits: contractLimits})
	announce(t, q, "job")
	receiveAll(t, q, 1)
	take(t, q, "c", bridge.RateRead)
	if err := q.Remember(t.Context(), "c", "id", ended); err != nil {
		t.Fatal(err)
	}
	keys, err := q.redis.Keys(t.Context(), "*").Result()
	if err != nil {
		t.Fatal(err)
	}
	if len(keys) != 3 {
		t.Errorf("keys %v", keys)
	}
	for _, key := range keys {
		if !strings.HasPrefix(key, "mine:") {
			t.Errorf("%s is outside the prefix", key)
		}
	}
}

func TestClientIsTunedToGiveUpFast(t *testing.T) {
	got := tuned(&redis.Options{PoolSize: 100}, time.Second)
	if !got.ContextTimeoutEnabled || got.DialTimeout > time.Second || got.ReadTimeout > time.Second || got.WriteTimeout > time.Second || got.PoolTimeout > time.Second {
		t.Errorf("%+v", got)
	}
	if diff := cmp.Diff([]int{100, 1, 1, -1}, []int{got.PoolSize, got.MaxRetries, got.DialerRetries, got.PipelinePoolSize}); diff != "" {
		t.Error(diff)
	}
}
