package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// crowdOfEnded and crowdOfWaiting make a database in which a statement that
// goes through either is told from one that does not.
const (
	crowdOfEnded   = 10_000
	crowdOfWaiting = 1_000
	// mostRead is how many rows the database may expect to look at where it
	// does not stop at a limit.
	mostRead = 100
)

// limited are the calls that read an index from one end and stop at their
// limit. The databases' estimates do not know of limits.
var limited = []string{"due", "list"}

// Nothing the store does in a working day goes through what has ended, nor
// through what waits: each statement finds its rows by an index, as the
// database itself explains it.
func TestPlans(t *testing.T) {
	for name, analyzed := range map[string]bool{"statistics": true, "no statistics": false} {
		t.Run(name, func(t *testing.T) { onEach(t, func(r rig) { r.plans(analyzed) }) })
	}
}

// plans looks at every statement of the table below. A database without
// statistics of its tables guesses, and must not guess badly either: tables
// fill faster than their statistics are taken.
func (r rig) plans(analyzed bool) {
	r, heard := recorded(r)
	r.crowd()
	if analyzed {
		r.analyze()
	}
	accepted, waiting := job("product:early", "product:late"), job("product:early")
	var c bridge.Claim
	step := bridge.StepRecord{Name: "price", State: bridge.StepSending}
	known := accepted
	known.ID = uuid.Must(uuid.NewV7()).String()
	several, held := r.many(20), []bridge.Claim(nil)
	for _, call := range []struct {
		name string
		do   func() error
	}{
		{"recall", func() error { _, err := r.Recall(r.Context(), "client", uuid.NewString(), "no such batch"); return err }},
		{"accept", func() error { _, err := r.Accept(r.Context(), accepted, someIntention); return err }},
		{"accept", func() error { _, err := r.Accept(r.Context(), known, someIntention); return err }},
		{"accept", func() error { _, err := r.Accept(r.Context(), waiting, someIntention); return err }},
		{"due", func() error { _, err := r.Due(r.Context(), 16); return err }},
		{"claim", func() (err error) { c, err = r.Claim(r.Context(), accepted.ID, "node", someLease); return err }},
		{"claim", func() error { _, _ = r.Claim(r.Context(), waiting.ID, "node", someLease); return nil }}, // behind the first
		{"journal", func() error {
			return r.Journal(r.Context(), c, bridge.Entry{Steps: []bridge.StepRecord{step}, Progress: schemas.Progress{}})
		}},
		{"renew", func() error { _, err := r.Renew(r.Context(), c, someLease); return err }},
		{"lock a target", func() error { _, err := r.LockTarget(r.Context(), c, "product:other"); return err }},
		{"unlock a target", func() error { return r.Journal(r.Context(), c, bridge.Entry{Unlock: []string{"product:other"}}) }},
		{"job", func() error { _, err := r.Job(r.Context(), accepted.ID); return err }},
		{"finish", func() error { return r.Finish(r.Context(), c, bridge.Ending{Status: schemas.Succeeded}) }},
		{"claims together", func() error { held = r.claimedTogether(several); return nil }},
		{"ends together", func() error { r.finishedTogether(held); return nil }},
		{"list", func() error { _, err := r.Jobs(r.Context(), bridge.JobFilter{}); return err }},
		{"list", func() error { _, err := r.Jobs(r.Context(), bridge.JobFilter{Status: schemas.Succeeded}); return err }},
		{"list", func() error { _, err := r.Jobs(r.Context(), bridge.JobFilter{Status: schemas.Failed}); return err }},
		{"retention", func() error {
			_, err := r.Retain(r.Context(), Retention{Idempotency: 30 * 24 * time.Hour, Failed: 90 * 24 * time.Hour})
			return err
		}},
	} {
		asked, _ := heard.listen(func() {
			if err := call.do(); err != nil {
				r.Fatalf("%s: %v", call.name, err)
			}
		})
		if len(asked) == 0 {
			r.Errorf("%s asked nothing", call.name)
		}
		for _, s := range asked {
			if strings.HasPrefix(s.text, "INSERT INTO") && !strings.Contains(s.text, "SELECT") {
				continue
			}
			if asked, is := strings.CutPrefix(s.text, "SET @listener = ("); is { // explained is the SELECT in it
				s.text = strings.TrimSuffix(asked, ")")
			}
			r.explain(call.name, s, analyzed)
		}
	}
}

// crowd fills the database with jobs of yesterday that have ended and with jobs
// that wait for targets of their own.
func (r rig) crowd() {
	r.Helper()
	digits := "(SELECT 0 d"
	for d := 1; d < 10; d++ {
		digits += " UNION ALL SELECT " + strconv.Itoa(d)
	}
	digits += ")"
	numbers := fmt.Sprintf("(SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d n FROM %[1]s a, %[1]s b, %[1]s c, %[1]s e) numbers", digits)
	const (
		id      = "CONCAT('01900000-0000-7000-8000-', SUBSTR(CONCAT('000000000000', n), -12))"
		request = "CONCAT('00000000-0000-4000-8000-', SUBSTR(CONCAT('000000000000', n), -12))"
		target  = "CONCAT('product:', n)"
	)
	waiting := fmt.Sprintf("n < %d", crowdOfWaiting)
	yesterday := time.Now().Add(-24 * time.Hour).UnixMicro()
	if crowdOfEnded != 10_000 {
		r.Fatal("the digits make 10,000 rows")
	}
	for _, statement := range []string{
		fmt.Sprintf(`INSERT INTO jobs (id, kind, client_id, request_id, batch_id, status, payload, targets, attempts, max_attempts, fence, node,
			claimable_at, accepted_at, finished_at, progress_done, progress_total)
			SELECT %s, 'update_product', 'client', %s, '', CASE WHEN %s THEN 'accepted' WHEN n %% 50 = 0 THEN 'failed' ELSE 'succeeded' END, '{}', '[]', 0, 5, 0, '',
			CASE WHEN %s THEN 0 END, %d + n, CASE WHEN NOT (%s) THEN %d + n END, 0, 0 FROM %s`, id, request, waiting, waiting, yesterday, waiting, yesterday, numbers),
		fmt.Sprintf(`INSERT INTO idempotency (client_id, request_id, intention, job_id, created_at) SELECT 'client', %s, '%s', %s, %d FROM %s`, request, someIntention, id, yesterday, numbers),
		fmt.Sprintf(`INSERT INTO turns (job_id, target, place, found) SELECT %s, %s, %s, 0 FROM %s WHERE %s`, id, target, id, numbers, waiting),
	} {
		if err := r.exec(statement); err != nil {
			r.Fatal(err)
		}
	}
}

// analyze has the database take its statistics anew.
func (r rig) analyze() {
	r.Helper()
	analyze := "ANALYZE"
	if r.name == "mysql" {
		analyze = "ANALYZE TABLE jobs, idempotency, batches, turns, job_steps"
	}
	if err := r.exec(analyze); err != nil {
		r.Fatal(err)
	}
}

// explain fails when the database would go through a table.
func (r rig) explain(call string, s statement, analyzed bool) {
	r.Helper()
	query := "EXPLAIN QUERY PLAN "
	if r.name == "mysql" {
		query = "EXPLAIN "
	}
	rows, err := r.write.QueryContext(context.WithoutCancel(r.Context()), query+s.text, s.args...)
	if err != nil {
		r.Fatalf("%s: %v\n%s", call, err, s.text)
	}
	defer rows.Close()
	for _, step := range readPlan(r.T, rows) {
		if why := r.tooMuch(call, step, analyzed); why != "" {
			r.Errorf("%s %s: %v\n%s", call, why, step, strings.Join(strings.Fields(s.text), " "))
		}
	}
}

// readPlan gives each row of an explanation by column.
func readPlan(t *testing.T, rows *sql.Rows) (plan []map[string]string) {
	t.Helper()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		values := make([]sql.NullString, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		step := map[string]string{}
		for i, column := range columns {
			if values[i].Valid {
				step[column] = values[i].String
			}
		}
		plan = append(plan, step)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return plan
}

// tooMuch says what is wrong with one step of a plan.
func (r rig) tooMuch(call string, step map[string]string, analyzed bool) string {
	stops := slices.Contains(limited, call)
	if r.name == "sqlite" {
		detail := step["detail"]
		switch {
		case strings.HasPrefix(detail, "SCAN") && !strings.Contains(detail, "CONSTANT ROW") && (!stops || !strings.Contains(detail, "INDEX")):
			return "goes through a table"
		case stops && strings.Contains(detail, "TEMP B-TREE FOR ORDER BY"):
			return "sorts what it could read in order"
		case !stops && strings.Contains(detail, "jobs_stage") && !strings.Contains(detail, "accepted_at<"):
			return "goes through all that waits or all that has ended"
		}
		return ""
	}
	expected, _ := strconv.Atoi(step["rows"])
	switch {
	case step["type"] == "ALL" || step["type"] == "index" && !stops:
		return "goes through a table"
	case stops && strings.Contains(step["Extra"], "filesort"):
		return "sorts what it could read in order"
	case expected > mostRead && !stops && analyzed:
		return "expects to read too much"
	}
	return ""
}

// A plan depends on statistics, and those on when they were taken; what a
// server has read to answer does not lie. Looking for due jobs reads a few rows
// for each it lists, however many wait.
func TestDueReadsFewRows(t *testing.T) {
	t.Parallel()
	r := newRig(t, mysqlURL(t))
	const waiting, limit = 1500, 16
	together(waiting/10, func(i int) {
		for k := range 10 {
			r.accepted(fmt.Sprintf("product:%d", i*10+k))
		}
	})
	conn, err := r.write.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	read := func() (n int) {
		t.Helper()
		rows, err := conn.QueryContext(t.Context(), "SHOW SESSION STATUS LIKE 'Handler_read%'")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var name string
			var count int
			if err := rows.Scan(&name, &count); err != nil {
				t.Fatal(err)
			}
			n += count
		}
		return n
	}
	before := read()
	ids, err := texts(conn.QueryContext(t.Context(), r.dueQuery(0), limit))
	if err != nil || len(ids) != limit {
		t.Fatalf("%d jobs, %v", len(ids), err)
	}
	if n := read() - before; n > 10*limit {
		t.Errorf("%d due jobs of %d waiting were found by reading %d rows; allowed are %d", limit, waiting, n, 10*limit)
	}
}
