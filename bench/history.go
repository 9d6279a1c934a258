package main

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
	"github.com/prestashop-bridge/bridge/store"
)

// measureHistory holds a database full of finished jobs against an empty one.
func measureHistory(ctx context.Context, b *bench) error {
	var rows [][]string
	for _, kind := range []string{onMariaDB, onSQLite} {
		more, err := b.remembered(ctx, kind)
		if err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
		rows = append(rows, more...)
	}
	b.report.say("Two databases in turns: one empty, one with %d succeeded jobs of yesterday and their request ids. In both, some thousand accepted jobs wait. Times of one call, one at a time; accepting by 128 goroutines.", b.history)
	b.report.table([]string{"what", "empty", "full", "full / empty"}, rows)
	return nil
}

// remembered measures one kind of database, empty and full in turns.
func (b *bench) remembered(ctx context.Context, kind string) ([][]string, error) {
	var stores [2]*store.Store
	for i, jobs := range []int{0, b.history} {
		at, err := b.place(ctx, kind)
		if err != nil {
			return nil, err
		}
		if stores[i], err = openStore(ctx, at.database); err != nil {
			return nil, err
		}
		defer stores[i].Close()
		if err := fill(ctx, at.database, jobs); err != nil {
			return nil, err
		}
	}
	type quantities map[string]figures
	var taken [2]quantities
	for i := range taken {
		taken[i] = quantities{}
	}
	names := []string{"accepts/s, 128 at once", "claim and finish, µs", "due, µs", "list of 50, µs", "list of 50 failed, µs", "census, µs", "retention with nothing to do, ms"}
	for range b.rounds {
		for i, db := range stores {
			values, err := b.chores(ctx, db)
			if err != nil {
				return nil, err
			}
			for at, name := range names {
				taken[i][name] = append(taken[i][name], values[at])
			}
		}
	}
	var rows [][]string
	for _, name := range names {
		empty, full := taken[0][name], taken[1][name]
		rows = append(rows, []string{kind + ": " + name, empty.spread("%.0f"), full.spread("%.0f"), full.against(empty).middle("%.2f")})
	}
	return rows, nil
}

// chores times what a store does all day, in the order of the names above.
func (b *bench) chores(ctx context.Context, db *store.Store) (values figures, err error) {
	// A fixed number, for what waits is looked through by the next chores.
	const accepts = 2000
	began := time.Now()
	if err := backlog(ctx, db, accepts, func(string) error { return nil }); err != nil {
		return nil, err
	}
	values = append(values, accepts/time.Since(began).Seconds())
	const times = 30
	timing := func(unit time.Duration, times int, do func() error) error {
		var took []time.Duration
		for range times {
			began = time.Now()
			if err := do(); err != nil {
				return err
			}
			took = append(took, time.Since(began))
		}
		values = append(values, inUnits(took, unit).median())
		return nil
	}
	var jobs []string
	for range times {
		job := newJob()
		if _, err := db.Accept(ctx, job, someIntention); err != nil {
			return nil, err
		}
		jobs = append(jobs, job.ID)
	}
	next := 0
	for _, chore := range []struct {
		unit  time.Duration
		times int
		do    func() error
	}{
		{time.Microsecond, times, func() error {
			claim, err := db.Claim(ctx, jobs[next], "bench", jobLease)
			if err != nil {
				return err
			}
			next++
			return db.Finish(ctx, claim, bridge.Ending{Status: schemas.Succeeded})
		}},
		{time.Microsecond, times, func() error { _, err := db.Due(ctx, 16); return err }},
		{time.Microsecond, times, func() error { _, err := db.Jobs(ctx, bridge.JobFilter{}); return err }},
		{time.Microsecond, 3, func() error { _, err := db.Jobs(ctx, bridge.JobFilter{Status: schemas.Failed}); return err }},
		{time.Microsecond, times, func() error { _, err := db.Census(ctx); return err }},
		{time.Millisecond, 1, func() error {
			_, err := db.Retain(ctx, store.Retention{Idempotency: 30 * 24 * time.Hour, Failed: 90 * 24 * time.Hour})
			return err
		}},
	} {
		if err := timing(chore.unit, chore.times, chore.do); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// fill writes finished jobs with their request ids, in pieces of at most
// 100,000 rows.
func fill(ctx context.Context, databaseURL string, jobs int) error {
	db, err := openOwn(databaseURL)
	if err != nil {
		return err
	}
	defer db.Close()
	accepted := time.Now().Add(-24 * time.Hour).UnixMicro()
	const most = 100_000
	for from := 0; from < jobs; from += most {
		if err := fillSome(ctx, db, accepted, from, min(most, jobs-from)); err != nil {
			return err
		}
	}
	return nil
}

func fillSome(ctx context.Context, db *sql.DB, accepted int64, from, count int) error {
	// Both databases know UNION ALL and SUBSTR; sequences are each one's own.
	digits := "(SELECT 0 d" + strings.Repeat(" UNION ALL SELECT %d", 9) + ")"
	digits = fmt.Sprintf(digits, 1, 2, 3, 4, 5, 6, 7, 8, 9)
	numbers := fmt.Sprintf("(SELECT %d + a.d + 10*b.d + 100*c.d + 1000*e.d + 10000*f.d n FROM %s f, %s e, %s c, %s b, %s a) numbers WHERE n < %d",
		from, digits, digits, digits, digits, digits, from+count)
	id := "CONCAT('01900000-0000-7000-8000-', SUBSTR(CONCAT('000000000000', n), -12))"
	request := "CONCAT('00000000-0000-4000-8000-', SUBSTR(CONCAT('000000000000', n), -12))"
	for _, statement := range []string{
		fmt.Sprintf(`INSERT INTO jobs (id, kind, client_id, request_id, batch_id, status, payload, targets, attempts, max_attempts, fence, node,
			accepted_at, started_at, finished_at, progress_done, progress_total, result)
			SELECT %s, '%s', '%s', %s, '', 'succeeded', '{"product_id":7,"updates":{"price_ht":9.9}}', '["product:7"]', 1, 5, 1, 'bench',
			%d + n, %d + n, %d + n, 1, 1, '{}' FROM %s`, id, jobKind, clientID, request, accepted, accepted, accepted, numbers),
		fmt.Sprintf(`INSERT INTO idempotency (client_id, request_id, intention, job_id, created_at)
			SELECT '%s', %s, '%s', %s, %d + n FROM %s`, clientID, request, someIntention, id, accepted, numbers),
	} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}
