package store

import (
	"context"
	"database/sql"
	"slices"

	"github.com/prestashop-bridge/bridge/bridge"
)

// targetOf is a target as queues and locks know it: those of the shop of the
// settings as they are, those of another behind its name. A target of ours has
// a colon before any slash and a shop's name has none, so no two are alike.
func targetOf(shop, target string) string {
	if shop == "" {
		return target
	}
	return shop + "/" + target
}

// LockTarget takes one more target for a claimed job. Unlike a claim it does
// not queue: who waits for the target in the order of acceptance does so
// before being claimed, and this job already is.
func (s *Store) LockTarget(ctx context.Context, c bridge.Claim, target string) (bool, error) {
	target = targetOf(c.Job.Shop, target)
	var holder string
	var ours bool
	err := s.call(&call{
		ctx: ctx, jobID: c.Job.ID, fence: c.Fence,
		ask: func(p *packet) {
			holder = ""
			p.query(func(rows *sql.Rows) error {
				for rows.Next() {
					if err := rows.Scan(&holder); err != nil {
						return err
					}
				}
				return rows.Err()
			}, "SELECT job_id FROM turns WHERE target = ? AND place = ''", target)
		},
		write: func(w *writing, h holding) error {
			ours = holder == "" || holder == h.id
			if holder == "" {
				w.lock(target, h.id)
			}
			return nil
		},
		beaten: func() error { ours = false; return nil },
	})
	if err != nil {
		return false, err
	}
	return ours, nil
}

// turnsInto takes the rows of newTargets and foundTarget.
const turnsInto = "turns (job_id, target, place, found)"

// newTargets puts the job into the queue before each of its targets, once.
func newTargets(j bridge.Job) (rows [][]any) {
	targets := slices.Clone(j.Targets)
	slices.Sort(targets)
	for _, target := range slices.Compact(targets) {
		rows = append(rows, []any{j.ID, targetOf(j.Shop, target), j.ID, 0})
	}
	return rows
}

// foundTarget has the job served at once at one more target.
func foundTarget(jobID, target string) []any { return []any{jobID, target, "", 1} }

// leaveTargets gives back all that jobs hold and takes them out of every queue.
func (s *Store) leaveTargets(p *packet, jobIDs ...any) {
	p.exec(s.deleteTurns+marks(len(jobIDs)), jobIDs...)
}
