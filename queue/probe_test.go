package queue

import (
	"os"
	"testing"
	"time"
)

func TestAProbeEmptiesItsOwnKeysOnly(t *testing.T) {
	dsn := os.Getenv("TEST_REDIS_URL")
	if dsn == "" {
		t.Skip("TEST_REDIS_URL is not set: an embedded Redis has nobody else's keys")
	}
	deployment := realBackend(t, dsn).open(t, Options{})
	if err := deployment.Remember(t.Context(), "client", "id", ended); err != nil {
		t.Fatal(err)
	}
	probe, other := openProbe(t, dsn), openProbe(t, dsn)
	for _, p := range []*Probe{probe, other} {
		if err := p.Remember(t.Context(), "client", "id", ended); err != nil {
			t.Fatal(err)
		}
	}
	if removed, err := probe.Empty(t.Context()); err != nil || removed != 1 {
		t.Errorf("removed %d, %v; want 1", removed, err)
	}
	if got, err := probe.Recall(t.Context(), "client", "id"); got != nil || err != nil {
		t.Errorf("still there: %v, %v", got, err)
	}
	for name, q := range map[string]*Queue{"the deployment": deployment, "another probe": other.Queue} {
		if got, err := q.Recall(t.Context(), "client", "id"); got == nil || err != nil {
			t.Errorf("%s lost its key: %v", name, err)
		}
	}
	if removed, err := other.Empty(t.Context()); err != nil || removed != 1 {
		t.Errorf("removed %d, %v; want 1", removed, err)
	}
}

func TestAProbeOnEachRedis(t *testing.T) {
	dsns := map[string]string{"embedded": ""}
	if dsn := os.Getenv("TEST_REDIS_URL"); dsn != "" {
		dsns["redis"] = dsn
	}
	for name, dsn := range dsns {
		t.Run(name, func(t *testing.T) {
			p := openProbe(t, dsn)
			if left, err := p.ReplayTTL(t.Context(), "client", "id"); err != nil || left > 0 {
				t.Errorf("nothing is remembered for %v, %v", left, err)
			}
			if err := p.Remember(t.Context(), "client", "id", ended); err != nil {
				t.Fatal(err)
			}
			if left, err := p.ReplayTTL(t.Context(), "client", "id"); err != nil || left <= 0 || left > time.Hour {
				t.Errorf("a replay is remembered for %v, %v", left, err)
			}
			if err := p.Announce(t.Context(), "job"); err != nil {
				t.Fatal(err)
			}
			if left := p.redis.PTTL(t.Context(), p.stream()).Val(); left <= 0 || left > probeKept {
				t.Errorf("the stream is kept for %v", left)
			}
			if removed, err := p.Empty(t.Context()); err != nil || removed != 2 {
				t.Errorf("removed %d, %v; want 2", removed, err)
			}
		})
	}
}

func openProbe(t *testing.T, dsn string) *Probe {
	t.Helper()
	p, err := OpenProbe(t.Context(), dsn, Options{ReplayTTL: time.Hour, Patience: unhurried})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}
