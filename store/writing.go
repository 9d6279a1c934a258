package store

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"github.com/prestashop-bridge/bridge/bridge"
)

// writing gathers what the calls of one transaction write, so that all of them
// take as many statements as one of them would.
type writing struct {
	store *Store
	ctx   context.Context
	tx    *sql.Tx

	steps   [][]any
	updates []update
	ended   []any   // ids of jobs
	given   [][]any // jobs, each with a target that it gives back
	taken   [][]any // rows of turnsInto
	claimed []any   // ids of jobs that take their own targets
	tidings tidings
}

// update is new values of some columns, for one or more jobs.
type update struct {
	columns string // separated by ", "
	jobIDs  []any
	values  [][]any // one list a job, in the order of the columns
}

// set gives columns of a job new values. All of a transaction must name
// different jobs, or different columns.
func (w *writing) set(jobID, columns string, values ...any) {
	at := 0
	for at < len(w.updates) && w.updates[at].columns != columns {
		at++
	}
	if at == len(w.updates) {
		w.updates = append(w.updates, update{columns: columns})
	}
	u := &w.updates[at]
	u.jobIDs, u.values = append(u.jobIDs, jobID), append(u.values, values)
}

// record writes journal entries; rows are those of stepRow.
func (w *writing) record(rows ...[]any) { w.steps = append(w.steps, rows...) }

// end takes a job out of every queue.
func (w *writing) end(jobID string) { w.ended = append(w.ended, jobID) }

// lock takes a target that nobody held when the transaction looked. Should
// somebody take it meanwhile, its key is taken, and the transaction fails.
func (w *writing) lock(target, jobID string) { w.taken = append(w.taken, foundTarget(jobID, target)) }

// unlock gives a target back that the job has come upon. Those it was accepted
// for it keeps to its end.
func (w *writing) unlock(target, jobID string) { w.given = append(w.given, []any{jobID, target}) }

// look asks for looks at what steps may have changed in a shop; now is the
// transaction's.
func (w *writing) look(now int64, shop string, steps ...bridge.StepRecord) {
	list := touched(steps)
	if len(list) == 0 {
		return
	}
	looks := w.tidings.looks
	at := slices.IndexFunc(looks, func(look outlook) bool { return look.shop == shop })
	if at < 0 {
		at, looks = len(looks), append(looks, outlook{shop: shop})
	}
	looks[at].now, looks[at].notices = now, append(looks[at].notices, list...)
	w.tidings.looks = looks
}

// tell writes events down, after everything they may tell of.
func (w *writing) tell(list ...news) { w.tidings.told = append(w.tidings.told, list...) }

// flush sends it all. What is given back goes before what is taken.
func (w *writing) flush() error {
	s := w.store
	var p packet
	s.writeSteps(&p, w.steps)
	for _, u := range w.updates {
		query, args := u.statement(s.by("PRIMARY"))
		p.exec(query, args...)
	}
	if len(w.ended) > 0 {
		s.leaveTargets(&p, w.ended...)
	}
	for _, held := range w.given {
		p.exec("DELETE FROM turns WHERE job_id = ? AND target = ? AND found = 1", held...)
	}
	p.insert(turnsInto, w.taken, "")
	if len(w.claimed) > 0 {
		s.lockTargets(&p, w.claimed)
	}
	return s.sendLast(w.ctx, w.tx, p, w.tidings)
}

// statement is one UPDATE for all its jobs. A column of which each job gets a
// value of its own is a CASE: both databases know it, and have no other way in
// common that needs no values for the rest of the row.
func (u update) statement(by string) (query string, args []any) {
	var sets []string
	for i, column := range strings.Split(u.columns, ", ") {
		if u.alike(i) {
			sets, args = append(sets, column+" = ?"), append(args, u.values[0][i])
			continue
		}
		sets = append(sets, column+" = CASE id"+strings.Repeat(" WHEN ? THEN ?", len(u.jobIDs))+" END")
		for at, id := range u.jobIDs {
			args = append(args, id, u.values[at][i])
		}
	}
	return "UPDATE jobs" + by + " SET " + strings.Join(sets, ", ") + " WHERE id IN " + marks(len(u.jobIDs)), append(args, u.jobIDs...)
}

// alike: every job gets the same value of a column.
func (u update) alike(column int) bool {
	for _, values := range u.values {
		if values[column] != u.values[0][column] {
			return false
		}
	}
	return true
}
