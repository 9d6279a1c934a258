package main

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// lookEvery is how often the job table is looked at, and so how exact a resume
// time is.
const lookEvery = 50 * time.Millisecond

// resumes measures how long jobs lie idle after a kill -9 of their worker: from
// the kill until the job table shows another claim of the job. Database, other
// workers and shop may be away in that time too. A measurement is calm when no
// other worker was killed in it, and no database in it or in one lease before: a
// job whose database was away may have been given up by then, and its lease be
// nearly over.
type resumes struct {
	db *sql.DB

	mu      sync.Mutex
	deaths  []death
	orphans map[string]orphan // by job id
	outages []time.Time       // kills of the database
	losses  []time.Time       // kills of workers
	all     []time.Duration
	calm    []time.Duration
}

// death is a killed worker whose jobs have not been listed yet.
type death struct {
	pid int
	at  time.Time
}

// orphan is a job that was in the hands of a killed worker.
type orphan struct {
	fence int64
	at    time.Time
}

func newResumes(db *sql.DB) *resumes { return &resumes{db: db, orphans: map[string]orphan{}} }

// struck notes a kill that disturbs what is being measured.
func (r *resumes) struck(kind string, pid int, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch kind {
	case kindWorker:
		r.deaths = append(r.deaths, death{pid, at})
		r.losses = append(r.losses, at)
	case kindMariaDB:
		r.outages = append(r.outages, at)
	}
}

// measure looks until ctx ends. While the database is away it looks again:
// nobody can claim a job in that time either.
func (r *resumes) measure(ctx context.Context) {
	for sleep(ctx, lookEvery) == nil {
		r.listOrphans(ctx)
		r.findClaims(ctx)
	}
}

// listOrphans finds the jobs of those who died. A node's name holds the id of
// its process.
func (r *resumes) listOrphans(ctx context.Context) {
	r.mu.Lock()
	pending := r.deaths
	r.deaths = nil
	r.mu.Unlock()
	for _, d := range pending {
		jobs, err := r.fences(ctx, "status = 'processing' AND node LIKE ?", fmt.Sprintf("%%-%d-________", d.pid))
		r.mu.Lock()
		if err != nil {
			r.deaths = append(r.deaths, d)
		}
		for id, fence := range jobs {
			r.orphans[id] = orphan{fence, d.at}
		}
		r.mu.Unlock()
	}
}

// findClaims notes the orphans that somebody has claimed since.
func (r *resumes) findClaims(ctx context.Context) {
	r.mu.Lock()
	marks, ids := []string{}, []any{}
	for id := range r.orphans {
		marks, ids = append(marks, "?"), append(ids, id)
	}
	r.mu.Unlock()
	if len(ids) == 0 {
		return
	}
	fences, err := r.fences(ctx, "id IN ("+strings.Join(marks, ",")+")", ids...)
	if err != nil {
		return
	}
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, fence := range fences {
		if o := r.orphans[id]; fence > o.fence {
			r.resumed(o.at, now)
			delete(r.orphans, id)
		}
	}
}

func (r *resumes) resumed(from, to time.Time) {
	r.all = append(r.all, to.Sub(from))
	within := func(begin time.Time) func(time.Time) bool {
		return func(at time.Time) bool { return at.After(begin) && at.Before(to) }
	}
	if slices.ContainsFunc(r.losses, within(from)) || slices.ContainsFunc(r.outages, within(from.Add(-leaseSeconds*time.Second))) {
		return
	}
	r.calm = append(r.calm, to.Sub(from))
}

func (r *resumes) fences(ctx context.Context, where string, arguments ...any) (map[string]int64, error) {
	rows, err := r.db.QueryContext(ctx, "SELECT id, fence FROM "+databaseName+".jobs WHERE "+where, arguments...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	fences := map[string]int64{}
	for rows.Next() {
		var id string
		var fence int64
		if err := rows.Scan(&id, &fence); err != nil {
			return nil, err
		}
		fences[id] = fence
	}
	return fences, rows.Err()
}

// spread is how a set of times is distributed, in seconds.
type spread struct {
	Count int     `json:"count"`
	P50   float64 `json:"p50_seconds"`
	P99   float64 `json:"p99_seconds"`
	Max   float64 `json:"max_seconds"`
}

func spreadOf(times []time.Duration) spread {
	if len(times) == 0 {
		return spread{}
	}
	sorted := slices.Sorted(slices.Values(times))
	part := func(hundredths int) float64 { return sorted[(len(sorted)-1)*hundredths/100].Seconds() }
	return spread{Count: len(sorted), P50: part(50), P99: part(99), Max: part(100)}
}

// spreads gives all measured times, the calm ones, and how many orphans nobody
// has claimed again.
func (r *resumes) spreads() (all, calm spread, unclaimed int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return spreadOf(r.all), spreadOf(r.calm), len(r.orphans)
}
