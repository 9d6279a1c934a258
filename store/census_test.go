package store

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

func (r rig) census() bridge.Census {
	r.Helper()
	census, err := r.Census(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	return census
}

func TestCensusCountsWhatHasNotEnded(t *testing.T) {
	onEach(t, func(r rig) {
		if empty := r.census(); len(empty.Jobs) != 0 || empty.Waiting != 0 {
			r.Errorf("an empty database counts %+v", empty)
		}
		r.finish(r.claimed(r.accepted("product:1")))
		r.claimed(r.accepted("product:2"))
		retried := r.claimed(r.accepted("product:3"))
		if err := r.Release(r.Context(), retried, bridge.Release{At: time.Now().Add(time.Hour), Counted: true}); err != nil {
			r.Fatal(err)
		}
		r.accepted("product:4")
		r.accepted("product:5")
		want := map[schemas.JobStatus]int{schemas.Accepted: 2, schemas.Processing: 1, schemas.Retrying: 1}
		if diff := cmp.Diff(want, r.census().Jobs); diff != "" {
			r.Errorf("(-want +got)\n%s", diff)
		}
	})
}

// A waiting job is due from its acceptance, a leased one only from the end of
// its lease.
func TestCensusTellsTheOldestWait(t *testing.T) {
	onEach(t, func(r rig) {
		expect := func(when string, want time.Duration) {
			r.Helper()
			if got := r.census().Waiting; got < want || got > want+someLease/2 {
				r.Errorf("%s: waiting %v, want %v", when, got, want)
			}
		}
		j := r.accepted("product:1")
		expect("just accepted", 0)
		r.advance(time.Minute)
		expect("a minute later", time.Minute)
		r.claimed(j)
		expect("claimed", 0)
		r.advance(someLease + 30*time.Second)
		expect("half a minute after the lease", 30*time.Second)
	})
}

// However many ended jobs are kept, only the live ones are looked at.
func TestCensusReadsLiveJobsOnly(t *testing.T) {
	onEach(t, func(r rig) {
		r.accepted("product:1")
		for i := range 300 {
			if err := r.exec(`INSERT INTO jobs (id, kind, client_id, request_id, batch_id, status, payload, targets, attempts, max_attempts,
				fence, node, claimable_at, accepted_at, progress_done, progress_total) VALUES (?, '', '', '', '', 'succeeded', '', '', 1, 1, 1, '', NULL, 0, 0, 0)`,
				"ended "+strconv.Itoa(i)); err != nil {
				r.Fatal(err)
			}
		}
		explain, refresh, used := "EXPLAIN FORMAT=JSON ", "ANALYZE TABLE jobs", `"key": "jobs_stage"`
		if r.dialect.name == "sqlite" {
			explain, refresh, used = "EXPLAIN QUERY PLAN ", "ANALYZE", "SEARCH j USING INDEX jobs_stage"
		}
		if err := r.exec(refresh); err != nil {
			r.Fatal(err)
		}
		if plan := r.plan(explain + r.censusQuery()); !strings.Contains(plan, used) {
			r.Errorf("plan:\n%s", plan)
		}
	})
}

func TestMigratedKnowsOlderTables(t *testing.T) {
	onEach(t, func(r rig) {
		if err := r.Migrated(r.Context()); err != nil {
			r.Errorf("after a migration: %v", err)
		}
		newest, err := newestMigration(r.migrations)
		if err != nil {
			r.Fatal(err)
		}
		if err := r.exec("INSERT INTO schema_version (version_id, is_applied) VALUES (?, 1)", newest+1); err != nil {
			r.Fatal(err)
		}
		if err := r.Migrated(r.Context()); err != nil {
			r.Errorf("after a newer program's migration: %v", err)
		}
		if err := r.exec("DELETE FROM schema_version WHERE version_id >= ?", newest); err != nil {
			r.Fatal(err)
		}
		if err := r.Migrated(r.Context()); err == nil {
			r.Error("older tables were taken for this program's")
		}
	})
}
