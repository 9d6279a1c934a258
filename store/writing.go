package store

import (
	"context"
	"database/sql"
	"maps"
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
	ended   []any                          // ids of jobs
	looks   map[string][]bridge.StepRecord // by shop
	now     int64                          // of the looks
	told    []news
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

// look asks for looks at what steps may have changed in a shop; now is the
// transaction's.
func (w *writing) look(now int64, shop string, steps ...bridge.StepRecord) {
	if w.looks == nil {
		w.looks = map[string][]bridge.StepRecord{}
	}
	w.looks[shop], w.now = append(w.looks[shop], steps...), now
}

// tell writes events down, after everything they may tell of.
func (w *writing) tell(list ...news) { w.told = append(w.told, list...) }

// flush sends it all.
func (w *writing) flush() error {
	if err := w.store.writeSteps(w.ctx, w.tx, w.steps); err != nil {
		return err
	}
	for _, u := range w.updates {
		query, args := u.statement(w.store.by("PRIMARY"))
		if _, err := w.tx.ExecContext(w.ctx, query, args...); err != nil {
			return err
		}
	}
	if len(w.ended) > 0 {
		if err := w.store.leaveTargets(w.ctx, w.tx, w.ended...); err != nil {
			return err
		}
	}
	for _, shop := range slices.Sorted(maps.Keys(w.looks)) {
		if err := w.store.lookAfter(w.ctx, w.tx, w.now, shop, w.looks[shop]...); err != nil {
			return err
		}
	}
	return w.store.insertEvents(w.ctx, w.tx, w.told...)
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
