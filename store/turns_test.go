package store

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// turns are who stands before a target, first first.
func (r rig) turns(target string) (jobIDs []string) {
	r.Helper()
	jobIDs, err := texts(r.read.QueryContext(r.Context(), "SELECT job_id FROM turns WHERE target = ? ORDER BY place", target))
	if err != nil {
		r.Fatal(err)
	}
	return jobIDs
}

// A job that an operator sends again is older than those that have come since.
// It waits behind the one that is being served, and before all others, and
// keeps neither from going on.
func TestAnOlderJobComesBackBehindTheOneBeingServed(t *testing.T) {
	onEach(t, func(r rig) {
		older := r.accepted("product:1")
		if err := r.Finish(r.Context(), r.claimed(older), bridge.Ending{Status: schemas.Failed}); err != nil {
			r.Fatal(err)
		}
		served, waits := r.accepted("product:1"), r.accepted("product:1")
		if err := r.Release(r.Context(), r.claimed(served), bridge.Release{}); err != nil {
			r.Fatal(err)
		}
		if _, err := r.Amend(r.Context(), decision(bridge.ActionRetry, older.ID), func(j *bridge.Job) error {
			j.Status, j.Error, j.FinishedAt = schemas.Accepted, nil, nil
			return nil
		}); err != nil {
			r.Fatal(err)
		}
		for _, want := range []bridge.Job{served, older, waits} {
			if diff := cmp.Diff([]string{want.ID}, r.due()); diff != "" {
				r.Fatalf("due (-want +got):\n%s", diff)
			}
			r.finish(r.claimed(want))
		}
	})
}

// A job comes upon a target for a while; those it was accepted for are its own
// to the end.
func TestOnlyWhatAJobHasFoundIsGivenBack(t *testing.T) {
	onEach(t, func(r rig) {
		c := r.claimed(r.accepted("product:1"))
		for _, target := range []string{"product:1", "product:2"} {
			if ours, err := r.LockTarget(r.Context(), c, target); err != nil || !ours {
				r.Fatalf("LockTarget gave %v, %v", ours, err)
			}
		}
		waits := r.accepted("product:1", "product:2")
		if err := r.Journal(r.Context(), c, bridge.Entry{Unlock: []string{"product:1", "product:2"}}); err != nil {
			r.Fatal(err)
		}
		if diff := cmp.Diff([]string{c.Job.ID, waits.ID}, r.turns("product:1")); diff != "" {
			r.Errorf("before product:1 (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{waits.ID}, r.turns("product:2")); diff != "" {
			r.Errorf("before product:2 (-want +got):\n%s", diff)
		}
		r.refused(waits)
		r.finish(c)
		r.claimed(waits)
	})
}

// No statement of ours can have two jobs served at a target, nor put one into a
// place that is not its own.
func TestTheTablesKnowOneServedJobATarget(t *testing.T) {
	onEach(t, func(r rig) {
		held, waits := r.claimed(r.accepted("product:1")), r.accepted("product:1")
		if err := r.exec("UPDATE turns SET place = '' WHERE job_id = ?", waits.ID); !r.duplicate(err) {
			r.Errorf("a second job is served: %v", err)
		}
		if err := r.exec("UPDATE turns SET place = ? WHERE job_id = ?", held.Job.ID, waits.ID); err == nil {
			r.Error("a job waits in another's place")
		}
		if err := r.exec("DELETE FROM jobs WHERE id = ?", waits.ID); err == nil {
			r.Error("a job is gone and still waits")
		}
	})
}

// The tables keep together what the program believes to be one stage.
func TestStagesAreThoseOfTheTables(t *testing.T) {
	onEach(t, func(r rig) {
		for _, status := range schemas.JobStatuses {
			j := r.standing(status)
			var stage string
			if err := r.read.QueryRowContext(r.Context(), "SELECT stage FROM jobs WHERE id = ?", j.ID).Scan(&stage); err != nil || stage != stageOf(status) {
				r.Errorf("%s is in stage %q, %v; want %q", status, stage, err, stageOf(status))
			}
			if got := r.list(bridge.JobFilter{Status: status}); len(got) != 1 || got[0].ID != j.ID {
				r.Errorf("listed as %s: %+v", status, got)
			}
		}
	})
}

// A row gives its room up to what is written into it, where it has any.
func TestARowHasRoomForItsEnd(t *testing.T) {
	onEach(t, func(r rig) {
		room := func(want int) {
			t.Helper()
			if got := r.count("SELECT LENGTH(room) FROM jobs"); got != want {
				r.Errorf("%d bytes of room; want %d", got, want)
			}
		}
		j, ofClaim := r.accepted("product:1"), 64
		if r.roomToEnd == "" {
			ofClaim = 0
		}
		room(ofClaim + len(r.roomToEnd))
		c := r.claimed(j)
		room(len(r.roomToEnd))
		r.finish(c)
		room(0)
	})
}

// What an older version has locked and queued is locked and queued after its
// tables have become one, also when that was cut short.
func TestLocksFromBeforeTheTurns(t *testing.T) {
	const moved = `RENAME TABLE target_locks TO old_target_locks, job_targets TO old_job_targets`
	for name, test := range map[string]struct {
		url func(testing.TB) string
		cut []string // of the migration, done already
	}{
		"sqlite":           {url: sqliteURL},
		"mysql":            {url: mysqlURL},
		"mysql, cut short": {url: mysqlURL, cut: []string{moved}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := migratedTo(t, test.url(t), 9)
			job := `INSERT INTO jobs (id, kind, client_id, request_id, batch_id, status, payload, targets, attempts, max_attempts, fence, node, claimable_at, accepted_at, progress_done, progress_total)
				VALUES (?, '', '', '', '', ?, '{}', '[]', 1, 5, 1, '', 0, 0, 0, 0)`
			for _, row := range []struct {
				text string
				args []any
			}{
				{job, []any{"1 waits", "accepted"}}, {job, []any{"2 holds", "processing"}}, {job, []any{"3 waits", "accepted"}},
				{"INSERT INTO job_targets (target, job_id) VALUES ('product:1', '1 waits'), ('product:1', '2 holds'), ('product:1', '3 waits'), ('product:2', '3 waits')", nil},
				{"INSERT INTO target_locks (target, job_id) VALUES ('product:1', '2 holds'), ('product:2', '2 holds')", nil},
			} {
				if err := r.exec(row.text, row.args...); err != nil {
					t.Fatal(err)
				}
			}
			for _, text := range test.cut {
				if err := r.exec(text); err != nil {
					t.Fatal(err)
				}
			}
			if err := r.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"2 holds", "1 waits", "3 waits"}, r.turns("product:1")); diff != "" {
				t.Errorf("before product:1 (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{"2 holds", "3 waits"}, r.turns("product:2")); diff != "" {
				t.Errorf("before product:2 (-want +got):\n%s", diff)
			}
			if got := r.count("SELECT COUNT(*) FROM turns WHERE found = 1 AND target = 'product:2' AND place = ''"); got != 1 {
				t.Error("the target that was found is not known as such")
			}
			if diff := cmp.Diff([]string{"2 holds"}, r.due()); diff != "" {
				t.Errorf("due (-want +got):\n%s", diff)
			}
		})
	}
}
