package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

const otherIntention = "0000000000000000000000000000000000000000000000000000000000000000"

func TestAcceptedJobComesBackAsItWas(t *testing.T) {
	onEach(t, func(r rig) {
		want := job("product:7", "reference: B ", "reference:a", "product:7")
		want.Progress = schemas.Progress{Total: 3}
		r.accept(want)
		if diff := cmp.Diff(want, r.loaded(want.ID)); diff != "" {
			r.Errorf("job changed (-want +got):\n%s", diff)
		}
		if got := r.count("SELECT COUNT(*) FROM turns WHERE job_id = ? AND place = job_id", want.ID); got != 3 {
			r.Errorf("job waits for %d targets; want 3 different ones", got)
		}
	})
}

func TestUnknownJob(t *testing.T) {
	onEach(t, func(r rig) {
		if _, err := r.Job(r.Context(), "nobody"); code(err) != bridge.CodeNotFound {
			r.Errorf("Job gave %v; want not found", err)
		}
		if _, err := r.Claim(r.Context(), "nobody", "node", someLease); code(err) != bridge.CodeNotFound {
			r.Errorf("Claim gave %v; want not found", err)
		}
	})
}

// The idempotency table of the contract, as far as the store decides it: what
// a second Accept and a Recall give after a first Accept.
func TestIdsStandForTheirFirstUse(t *testing.T) {
	first := job("product:1")
	first.RequestID, first.BatchID = "r1", "b1"
	same := func(change func(*bridge.Job)) bridge.Job {
		j := job("product:1")
		j.RequestID, j.BatchID = "r1", "b1"
		change(&j)
		return j
	}
	tests := []struct {
		name      string
		second    bridge.Job
		intention string
		want      *bridge.Recorded // its job is always the first
		bound     bool             // afterwards the second's request id stands for the first job
	}{
		{"same request", same(func(*bridge.Job) {}), someIntention, &bridge.Recorded{Intention: someIntention}, true},
		{"same request, other intention", same(func(*bridge.Job) {}), otherIntention, &bridge.Recorded{Intention: someIntention}, true},
		{"same request, other batch", same(func(j *bridge.Job) { j.BatchID = "b2" }), otherIntention, &bridge.Recorded{Intention: someIntention}, true},
		{"same batch", same(func(j *bridge.Job) { j.RequestID = "r2" }), someIntention, &bridge.Recorded{Intention: someIntention, ByBatch: true}, true},
		{"same batch, other intention", same(func(j *bridge.Job) { j.RequestID = "r2" }), otherIntention, &bridge.Recorded{Intention: someIntention, ByBatch: true}, false},
		{"other client", same(func(j *bridge.Job) { j.ClientID = "other" }), someIntention, nil, false},
		{"other letter case", same(func(j *bridge.Job) { j.RequestID, j.BatchID = "R1", "B1" }), someIntention, nil, false},
		{"client with a space more", same(func(j *bridge.Job) { j.ClientID = "client " }), someIntention, nil, false},
		{"no batch", same(func(j *bridge.Job) { j.RequestID, j.BatchID = "r2", "" }), someIntention, nil, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			onEach(t, func(r rig) {
				r.accept(first)
				r.claimedAndJournalled(first)
				before, err := r.Recall(r.Context(), test.second.ClientID, test.second.RequestID, test.second.BatchID)
				if err != nil {
					r.Fatal(err)
				}
				got, err := r.Accept(r.Context(), test.second, test.intention)
				if err != nil {
					r.Fatal(err)
				}
				if diff := cmp.Diff(before, got); diff != "" {
					r.Errorf("Recall and Accept disagree (-recall +accept):\n%s", diff)
				}
				if test.want == nil != (got == nil) {
					r.Fatalf("Accept gave %+v; want %+v", got, test.want)
				}
				if got != nil {
					job, err := r.JobStatus(r.Context(), first.ID)
					if err != nil {
						r.Fatal(err)
					}
					want := bridge.Recorded{Intention: test.want.Intention, ByBatch: test.want.ByBatch, Job: job}
					if diff := cmp.Diff(want, *got); diff != "" {
						r.Errorf("Accept (-want +got):\n%s", diff)
					}
				}
				r.checkWritten(test.second, test.want == nil, test.bound)
			})
		})
	}
}

// claimedAndJournalled gives a job something to show in a replay.
func (r rig) claimedAndJournalled(j bridge.Job) {
	r.Helper()
	step := bridge.StepRecord{Name: "price", Target: "product:1", State: bridge.StepSending, Before: json.RawMessage(`1`)}
	if err := r.Journal(r.Context(), r.claimed(j), bridge.Entry{Steps: []bridge.StepRecord{step}, Progress: schemas.Progress{Total: 1}}); err != nil {
		r.Fatal(err)
	}
}

func (r rig) checkWritten(second bridge.Job, written, bound bool) {
	r.Helper()
	if got := r.count("SELECT COUNT(*) FROM jobs WHERE id = ?", second.ID); got == 1 != written {
		r.Errorf("%d jobs written for the second request; want written=%v", got, written)
	}
	known, err := r.Recall(r.Context(), second.ClientID, second.RequestID, "")
	if err != nil {
		r.Fatal(err)
	}
	if (known != nil) != (written || bound) {
		r.Errorf("request id %s stands for %v; want it bound: %v", second.RequestID, known, written || bound)
	}
}

// raced counts what n racing Accepts on two nodes gave.
func raced(r rig, n int, make func(i int) bridge.Job) (fresh, byRequest, byBatch int) {
	r.Helper()
	nodes := []*Store{r.Store, r.node()}
	var counts [3]atomic.Int64
	var winner atomic.Value
	together(n, func(i int) {
		recorded, err := nodes[i%2].Accept(r.Context(), make(i), someIntention)
		switch {
		case err != nil:
			r.Error(err)
			return
		case recorded == nil:
			counts[0].Add(1)
			return
		case recorded.ByBatch:
			counts[2].Add(1)
		default:
			counts[1].Add(1)
		}
		if !winner.CompareAndSwap(nil, recorded.Job.ID) && winner.Load() != recorded.Job.ID {
			r.Errorf("two jobs: %s and %s", winner.Load(), recorded.Job.ID)
		}
	})
	return int(counts[0].Load()), int(counts[1].Load()), int(counts[2].Load())
}

func TestRacingRequestsMakeOneJob(t *testing.T) {
	onEach(t, func(r rig) {
		fresh, byRequest, _ := raced(r, 64, func(int) bridge.Job {
			j := job("product:1")
			j.RequestID, j.BatchID = "r1", ""
			return j
		})
		if fresh != 1 || byRequest != 63 || r.count("SELECT COUNT(*) FROM jobs") != 1 {
			r.Errorf("%d new, %d known, %d jobs; want 1, 63, 1", fresh, byRequest, r.count("SELECT COUNT(*) FROM jobs"))
		}
	})
}

func TestRacingBatchesMakeOneJob(t *testing.T) {
	onEach(t, func(r rig) {
		fresh, byRequest, byBatch := raced(r, 64, func(i int) bridge.Job {
			j := job("product:1")
			j.RequestID, j.BatchID = "r"+strconv.Itoa(i), "b1"
			return j
		})
		if fresh != 1 || byRequest != 0 || byBatch != 63 || r.count("SELECT COUNT(*) FROM jobs") != 1 {
			r.Errorf("%d new, %d by request, %d by batch; want 1, 0, 63", fresh, byRequest, byBatch)
		}
		if got := r.count("SELECT COUNT(*) FROM idempotency"); got != 64 {
			r.Errorf("%d request ids recorded; want 64", got)
		}
	})
}

// Pairs of every kind of clash at once, so that they meet inside a batch.
func TestRacingMixMakesOneJobEach(t *testing.T) {
	onEach(t, func(r rig) {
		nodes := []*Store{r.Store, r.node()}
		var written atomic.Int64
		together(128, func(i int) {
			j := job("product:1")
			j.RequestID, j.BatchID = "r"+strconv.Itoa(i%48), "b"+strconv.Itoa(i%32)
			recorded, err := nodes[i%2].Accept(r.Context(), j, someIntention)
			if err != nil {
				r.Error(err)
			}
			if recorded == nil && err == nil {
				written.Add(1)
			}
		})
		fresh := int(written.Load())
		if jobs, batches := r.count("SELECT COUNT(*) FROM jobs"), r.count("SELECT COUNT(*) FROM batches"); jobs != fresh || batches != fresh {
			r.Errorf("%d accepted, %d jobs, %d batches; want them equal", fresh, jobs, batches)
		}
		if got := r.count("SELECT COUNT(*) FROM idempotency"); got != 48 {
			r.Errorf("%d request ids; want 48", got)
		}
	})
}

// enqueue does what Accept does, but waits for no answer.
func (r rig) enqueue(e *entry) error {
	first, err := r.intake.join(e, r.dialect.acceptors)
	if first {
		go r.start(e)
	}
	return err
}

// waitingEntries counts those that no transaction has taken yet.
func (r rig) waitingEntries() int {
	r.intake.mu.Lock()
	defer r.intake.mu.Unlock()
	return len(r.intake.waiting)
}

// queued puts jobs into the queue while nothing can be written, lets go, and
// gives the answers in order.
func (r rig) queued(jobs []bridge.Job) []outcome {
	r.Helper()
	release := r.hold()
	defer release()
	var entries []*entry
	for _, j := range jobs {
		e := &entry{ctx: r.Context(), job: j, intention: someIntention, done: make(chan outcome, 1)}
		if err := r.enqueue(e); err != nil {
			r.Fatal(err)
		}
		entries = append(entries, e)
	}
	release()
	var outcomes []outcome
	for _, e := range entries {
		outcomes = append(outcomes, <-e.done)
	}
	return outcomes
}

// transactions counts those that took jobs in: each stamps its rows once.
func (r rig) transactions() int {
	return r.count("SELECT COUNT(DISTINCT created_at) FROM idempotency")
}

func TestQueuedJobsShareTransactions(t *testing.T) {
	onEach(t, func(r rig) {
		var jobs []bridge.Job
		for range 300 {
			jobs = append(jobs, job("product:1"))
		}
		for _, out := range r.queued(jobs) {
			if out.err != nil || out.known != nil {
				r.Fatalf("outcome %+v", out)
			}
		}
		// At best 3 of 128; each acceptor may begin with a batch of one.
		if got := r.transactions(); got < 3 || got > 5 {
			r.Errorf("300 jobs took %d transactions; want 3 to 5", got)
		}
	})
}

func TestLargePayloadsDoNotShareTransactions(t *testing.T) {
	onEach(t, func(r rig) {
		var jobs []bridge.Job
		for range 6 {
			j := job("product:1")
			j.Payload = json.RawMessage(`"` + string(bytes.Repeat([]byte("x"), 600<<10)) + `"`)
			jobs = append(jobs, j)
		}
		for _, out := range r.queued(jobs) {
			if out.err != nil {
				r.Fatal(out.err)
			}
		}
		if got := r.transactions(); got != 6 {
			r.Errorf("6 jobs of 600 kB took %d transactions; want 6", got)
		}
	})
}

func TestLargestPayload(t *testing.T) {
	onEach(t, func(r rig) {
		j := job("product:1")
		// Quotes double in size where statements carry their values.
		j.Payload = json.RawMessage(`"` + string(bytes.Repeat([]byte(`\"`), 5242879)) + `"`)
		if len(j.Payload) != 10485760 {
			r.Fatal(len(j.Payload))
		}
		r.accept(j)
		if got := r.claimed(j).Job.Payload; !bytes.Equal(got, j.Payload) {
			r.Errorf("payload of %d bytes came back with %d", len(j.Payload), len(got))
		}
	})
}

func TestOneBadRowDoesNotFailItsNeighbours(t *testing.T) {
	onEach(t, func(r rig) {
		jobs := []bridge.Job{job("product:1"), job("product:2"), job("product:3"), job("product:4")}
		jobs[1].MaxAttempts = 0    // refused by a CHECK
		jobs[2].ID = jobs[0].ID    // the id of another job
		outcomes := r.queued(jobs) // at most one of them travels alone
		for i, wantErr := range []bool{false, true, true, false} {
			if (outcomes[i].err != nil) != wantErr {
				r.Errorf("entry %d: %v; want an error: %v", i, outcomes[i].err, wantErr)
			}
			if wantErr && code(outcomes[i].err) != bridge.CodeInternal {
				r.Errorf("entry %d: %v; want an internal error", i, outcomes[i].err)
			}
		}
		if got := r.count("SELECT COUNT(*) FROM jobs"); got != 2 {
			r.Errorf("%d jobs; want 2", got)
		}
		if got := r.count("SELECT COUNT(*) FROM idempotency"); got != 2 {
			r.Errorf("%d request ids; want 2: a bad row must leave nothing", got)
		}
	})
}

func TestIdsSharedInsideABatch(t *testing.T) {
	onEach(t, func(r rig) {
		jobs := make([]bridge.Job, 5)
		for i := range jobs {
			jobs[i] = job("product:1")
		}
		jobs[1].RequestID = jobs[0].RequestID // and another batch: nothing of it counts
		jobs[2].BatchID = jobs[1].BatchID     // hence free
		jobs[3].BatchID = jobs[0].BatchID     // known: bound
		jobs[4].RequestID = jobs[3].RequestID // known by the binding
		entries := make([]*entry, len(jobs))
		for i, j := range jobs {
			entries[i] = &entry{ctx: r.Context(), job: j, intention: someIntention, done: make(chan outcome, 1)}
		}
		r.commit(r.Context(), entries)
		for i, want := range []*record{
			nil, {someIntention, jobs[0].ID, false}, nil, {someIntention, jobs[0].ID, true}, {someIntention, jobs[0].ID, false},
		} {
			if diff := cmp.Diff(outcome{known: want}, <-entries[i].done, cmp.AllowUnexported(outcome{}, record{})); diff != "" {
				r.Errorf("entry %d (-want +got):\n%s", i, diff)
			}
		}
		if got := r.transactions(); got != 1 {
			r.Errorf("%d transactions; want 1", got)
		}
	})
}

func TestCancelledCallerIsNotWritten(t *testing.T) {
	onEach(t, func(r rig) {
		release := r.hold()
		defer release()
		gone, stays := job("product:1"), job("product:1")
		ctx, cancel := context.WithCancel(r.Context())
		cancel()
		if _, err := r.Accept(ctx, gone, someIntention); !errors.Is(err, context.Canceled) || code(err) != bridge.CodeStoreUnavailable {
			r.Errorf("Accept gave %v; want the context's error", err)
		}
		e := &entry{ctx: r.Context(), job: stays, intention: someIntention, done: make(chan outcome, 1)}
		if err := r.enqueue(e); err != nil {
			r.Fatal(err)
		}
		release()
		if err := r.Store.Close(); err != nil { // all that was queued is decided now
			r.Fatal(err)
		}
		next := r.node()
		if _, err := next.Job(r.Context(), stays.ID); err != nil {
			r.Error(err)
		}
		if _, err := next.Job(r.Context(), gone.ID); code(err) != bridge.CodeNotFound {
			r.Errorf("the cancelled job was written: %v", err)
		}
	})
}

// To hand a job to another goroutine and wait for it wakes two threads.
func TestALoneCallerWritesWhereItStands(t *testing.T) {
	onEach(t, func(r rig) {
		r, heard := recorded(r)
		heard.listen(func() { r.accepted("product:1") })
		if len(heard.stacks) == 0 {
			r.Fatal("nothing was asked")
		}
		for i, stack := range heard.stacks {
			if !strings.Contains(stack, "(*Store).Accept(") {
				r.Errorf("another goroutine sent %q", heard.texts[i])
			}
		}
	})
}

// A caller that goes while it writes its own job is let go, takes nobody with
// it and does not keep the next from writing.
func TestACallerThatGoesWhileItWrites(t *testing.T) {
	onEach(t, func(r rig) {
		release := r.hold()
		defer release()
		waited := r.write.Stats().WaitCount
		var leaving []context.CancelFunc
		gone := make(chan error)
		for range r.dialect.acceptors { // one after the other, so that each writes alone
			ctx, cancel := context.WithCancel(r.Context())
			leaving = append(leaving, cancel)
			go func() {
				_, err := r.Accept(ctx, job("product:1"), someIntention)
				gone <- err
			}()
			r.soon("a caller did not begin", func() bool { return r.write.Stats().WaitCount == waited+int64(len(leaving)) })
		}
		stays := &entry{ctx: r.Context(), job: job("product:1"), intention: someIntention, done: make(chan outcome, 1)}
		if err := r.enqueue(stays); err != nil {
			r.Fatal(err)
		}
		for _, leave := range leaving {
			leave()
		}
		for range leaving {
			if err := <-gone; !errors.Is(err, context.Canceled) || code(err) != bridge.CodeStoreUnavailable {
				r.Errorf("Accept gave %v; want the context's error", err)
			}
		}
		release()
		if out := <-stays.done; out.err != nil || out.known != nil {
			r.Errorf("the one that stayed: %+v", out)
		}
		r.accepted("product:1")
		if got := r.count("SELECT COUNT(*) FROM jobs"); got != 2 {
			r.Errorf("%d jobs; want those of the two that stayed", got)
		}
	})
}

// A caller is let go, too, when the database has its job and does not answer.
// Whether that was written is not known then.
func TestACallerThatGoesWhileTheDatabaseWorks(t *testing.T) {
	r := newRig(t, mysqlURL(t))
	j := job("product:1")
	row, err := newJob(j)
	if err != nil {
		t.Fatal(err)
	}
	other := r.begin()
	if err := insertRows(t.Context(), other, jobsInto, [][]any{row}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() {
		_, err := r.Accept(ctx, j, someIntention)
		gone <- err
	}()
	r.eventually("nobody waits for the row", func() bool { return r.waiting(j.ID) == 1 })
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) || code(err) != bridge.CodeStoreUnavailable {
		t.Errorf("Accept gave %v; want the context's error", err)
	}
	if err := other.Rollback(); err != nil {
		t.Fatal(err)
	}
	r.accepted("product:1")
}

func TestFullQueueSaysSo(t *testing.T) {
	onEach(t, func(r rig) {
		release := r.hold()
		var entries []*entry
		var err error
		for err == nil {
			e := &entry{ctx: r.Context(), job: job(), intention: someIntention, done: make(chan outcome, 1)}
			if err = r.enqueue(e); err == nil {
				entries = append(entries, e)
			}
		}
		release()
		var fault *bridge.Error
		if !errors.As(err, &fault) || fault.Code != bridge.CodeStoreUnavailable || fault.RetryAfter <= 0 {
			r.Errorf("a full queue gave %v; want store_unavailable with RetryAfter", err)
		}
		if len(entries) < queueLength {
			r.Errorf("only %d entries fit", len(entries))
		}
		for _, e := range entries {
			if out := <-e.done; out.err != nil {
				r.Fatal(out.err)
			}
		}
	})
}

func TestCloseTakesInWhatIsQueued(t *testing.T) {
	onEach(t, func(r rig) {
		release := r.hold()
		var entries []*entry
		for range 200 {
			e := &entry{ctx: r.Context(), job: job("product:1"), intention: someIntention, done: make(chan outcome, 1)}
			if err := r.enqueue(e); err != nil {
				r.Fatal(err)
			}
			entries = append(entries, e)
		}
		closed := make(chan error)
		go func() { closed <- r.Store.Close() }()
		release()
		if err := <-closed; err != nil {
			r.Fatal(err)
		}
		for _, e := range entries {
			if out := <-e.done; out.err != nil {
				r.Fatal(out.err)
			}
		}
		if _, err := r.Accept(r.Context(), job(), someIntention); code(err) != bridge.CodeStoreUnavailable {
			r.Errorf("Accept after Close gave %v", err)
		}
		var n int
		if err := r.node().read.QueryRowContext(r.Context(), "SELECT COUNT(*) FROM jobs").Scan(&n); err != nil || n != 200 {
			r.Errorf("%d jobs, %v; want 200", n, err)
		}
	})
}

func TestAJobBeginsAcceptedOrAwaitingApproval(t *testing.T) {
	onEach(t, func(r rig) {
		for _, status := range schemas.JobStatuses {
			j := job("product:1")
			j.Status = status
			_, err := r.Accept(r.Context(), j, someIntention)
			want := status == schemas.Accepted || status == schemas.AwaitingApproval
			if (err == nil) != want {
				r.Errorf("%s: %v; want accepted: %v", status, err, want)
			}
		}
	})
}

func TestDelayedJobIsNotDueYet(t *testing.T) {
	onEach(t, func(r rig) {
		j := job("product:1")
		later := time.Now().UTC().Add(time.Hour).Truncate(time.Microsecond)
		j.NextAttemptAt = &later
		r.accept(j)
		if got := r.loaded(j.ID).NextAttemptAt; got == nil || !got.Equal(later) {
			r.Errorf("next attempt at %v; want %v", got, later)
		}
		if got := r.due(); len(got) != 0 {
			r.Errorf("due %v; want none", got)
		}
		r.advance(2 * time.Hour)
		if got := r.due(); !slices.Equal(got, []string{j.ID}) {
			r.Errorf("due %v; want the job", got)
		}
	})
}

func BenchmarkAccept(b *testing.B) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": sqliteURL, "mysql": mysqlURL} {
		for _, callers := range []int{1, 64, 256} {
			b.Run(name+"/c="+strconv.Itoa(callers), func(b *testing.B) {
				s := benched(b, url(b))
				payload := json.RawMessage(`"` + string(bytes.Repeat([]byte("x"), 300)) + `"`)
				benchmarkAccept(b, s, callers, payload)
			})
		}
	}
}

func benchmarkAccept(b *testing.B, s *Store, callers int, payload json.RawMessage) {
	var left atomic.Int64
	left.Store(int64(b.N))
	b.ResetTimer()
	together(callers, func(i int) {
		for left.Add(-1) >= 0 {
			j := job("product:" + strconv.Itoa(i))
			j.BatchID, j.Payload = "", payload
			if _, err := s.Accept(b.Context(), j, someIntention); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
	b.StopTimer()
	b.ReportMetric(rate(b, func() error {
		j := job("product:1")
		j.BatchID, j.Payload = "", payload
		_, err := s.commitTogether(b.Context(), []*entry{{ctx: b.Context(), job: j, intention: someIntention}})
		return err
	}), "without-queue/s")
	if _, err := s.write.Exec("CREATE TABLE plain (id VARCHAR(36) PRIMARY KEY, payload TEXT)"); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(rate(b, func() error {
		_, err := s.write.Exec("INSERT INTO plain VALUES (?, ?)", uuid.NewString(), string(payload))
		return err
	}), "plain-rows/s")
	if _, err := s.write.Exec("DROP TABLE plain"); err != nil {
		b.Fatal(err)
	}
}

// rate is how often a second something can be done one after the other: the
// floor measured in the same run.
func rate(b *testing.B, do func() error) float64 {
	const times = 300
	start := time.Now()
	for range times {
		if err := do(); err != nil {
			b.Fatal(err)
		}
	}
	return times / time.Since(start).Seconds()
}
