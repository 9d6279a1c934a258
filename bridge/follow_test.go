package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
	"github.com/prestashop-bridge/bridge/store"
)

// counted is a JobReader that counts what it is asked. With no reader behind
// it, it answers from jobs.
type counted struct {
	bridge.JobReader
	mu              sync.Mutex
	jobs            map[string]bridge.Job
	err             error
	statuses, looks int
	slow            time.Duration // how long a look takes
}

func (c *counted) JobStatus(ctx context.Context, id string) (bridge.Job, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.statuses++
	if c.JobReader != nil {
		return c.JobReader.JobStatus(ctx, id)
	}
	job, known := c.jobs[id]
	if !known {
		return job, bridge.Fault(bridge.CodeNotFound, nil, "There is no job %s.", id)
	}
	return job, c.err
}

func (c *counted) JobStates(ctx context.Context, ids []string) (states []bridge.JobState, _ error) {
	time.Sleep(c.slow)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.looks++
	if c.JobReader != nil {
		return c.JobReader.JobStates(ctx, ids)
	}
	for _, id := range ids {
		if job, known := c.jobs[id]; known {
			states = append(states, bridge.JobState{ID: id, Status: job.Status, Progress: job.Progress})
		}
	}
	return states, c.err
}

func (c *counted) change(id string, how func(*bridge.Job)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	job := c.jobs[id]
	how(&job)
	c.jobs[id] = job
}

func (c *counted) counts() (statuses, looks int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.statuses, c.looks
}

const followedJob = "018f0000-0000-7000-8000-000000000001"

func running(id string) bridge.Job {
	return bridge.Job{ID: id, Kind: bridge.OpImportProducts, ClientID: writer.ClientID, Status: schemas.Processing, MaxAttempts: 5, Progress: schemas.Progress{Total: 4}}
}

// watched is a desk on one running job.
func watched() (*bridge.Desk, *counted) {
	c := &counted{jobs: map[string]bridge.Job{followedJob: running(followedJob)}}
	return &bridge.Desk{Jobs: c, Now: time.Now, Log: slog.New(slog.DiscardHandler)}, c
}

// ask asks for a job's status as a door does.
func ask(ctx context.Context, d *bridge.Desk, actor bridge.Actor, id string, seconds int, onProgress func(schemas.Progress)) (schemas.Job, error) {
	answer, err := d.Do(ctx, actor, bridge.Request{
		Operation: bridge.OpGetJobStatus, OnProgress: onProgress,
		Arguments: fmt.Appendf(nil, `{"job_id":%q,"wait_seconds":%d}`, id, seconds),
	})
	job, _ := answer.Body.(schemas.Job)
	return job, err
}

// Five hundred who wait for five hundred jobs cost one question a tick, and
// one fresh read each at the beginning and at the end.
func TestManyWaitersCostOneQueryATick(t *testing.T) {
	const waiters = 500
	synctest.Test(t, func(t *testing.T) {
		d, c := watched()
		jobID := func(i int) string { return fmt.Sprintf("018f0000-0000-7000-8000-%012d", i) }
		for i := range waiters {
			c.jobs[jobID(i)] = running(jobID(i))
		}
		var all sync.WaitGroup
		began := time.Now()
		for i := range waiters {
			all.Go(func() {
				job, err := ask(t.Context(), d, writer, jobID(i), 10, nil)
				if want := i%2 == 0; err != nil || job.Status.Terminal() != want || job.JobID != jobID(i) {
					t.Errorf("job %d: %s, %v", i, job.Status, err)
				}
				if took := time.Since(began); i%2 == 0 && took != 5*time.Second+200*time.Millisecond {
					t.Errorf("job %d, which ended after 5.1 s, was answered after %v", i, took)
				}
			})
		}
		time.Sleep(5*time.Second + 100*time.Millisecond)
		for i := 0; i < waiters; i += 2 {
			c.change(jobID(i), func(j *bridge.Job) { j.Status = schemas.Succeeded })
		}
		all.Wait()
		statuses, looks := c.counts()
		if most := int(10 * time.Second / (200 * time.Millisecond)); looks < most-1 || looks > most {
			t.Errorf("%d looks in ten seconds, want one every 200 ms", looks)
		}
		if statuses != 2*waiters {
			t.Errorf("%d full reads, want %d", statuses, 2*waiters)
		}
		time.Sleep(time.Hour) // nobody waits: nothing is asked
		if _, after := c.counts(); after != looks {
			t.Errorf("%d looks while nobody waited", after-looks)
		}
	})
}

func TestFollowingTellsEachProgressOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, c := watched()
		go func() {
			for range 4 {
				time.Sleep(500 * time.Millisecond)
				c.change(followedJob, func(j *bridge.Job) { j.Progress.Done++ })
			}
			time.Sleep(500 * time.Millisecond)
			c.change(followedJob, func(j *bridge.Job) { j.Status = schemas.Succeeded })
		}()
		var told []int
		job, err := ask(t.Context(), d, writer, followedJob, 30, func(p schemas.Progress) { told = append(told, p.Done) })
		if err != nil || job.Status != schemas.Succeeded || fmt.Sprint(told) != "[0 1 2 3 4]" {
			t.Errorf("%s, %v, told %v", job.Status, err, told)
		}
	})
}

// The answer is what the database says after the wait, not what a look saw.
func TestFollowingAnswersAFreshRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, c := watched()
		go func() {
			time.Sleep(29*time.Second + 950*time.Millisecond) // between the last look and the end
			c.change(followedJob, func(j *bridge.Job) { j.Progress.Done = 3 })
		}()
		job, err := ask(t.Context(), d, writer, followedJob, 30, nil)
		if err != nil || job.Progress.Done != 3 {
			t.Errorf("%+v, %v", job.Progress, err)
		}
	})
}

func TestFollowingEndsEarly(t *testing.T) {
	stranger := bridge.Actor{ClientID: "stranger", Scopes: writer.Scopes}
	away := bridge.Fault(bridge.CodeStoreUnavailable, errors.New("gone"), "The database does not answer.")
	for _, c := range []struct {
		name   string
		actor  bridge.Actor
		during func(c *counted, cancel func())
		code   bridge.Code
		after  time.Duration
	}{
		{"another client's job is not there", stranger, func(*counted, func()) {}, bridge.CodeNotFound, 0},
		{"cancelled", writer, func(_ *counted, cancel func()) { cancel() }, bridge.CodeInvalidRequest, 1050 * time.Millisecond},
		{"the job is swept away", writer, func(c *counted, _ func()) { delete(c.jobs, followedJob) }, bridge.CodeNotFound, 1200 * time.Millisecond},
		{"the database is away", writer, func(c *counted, _ func()) { c.err = away }, bridge.CodeStoreUnavailable, 1200 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, jobs := watched()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				time.AfterFunc(1050*time.Millisecond, func() {
					jobs.mu.Lock()
					defer jobs.mu.Unlock()
					c.during(jobs, cancel)
				})
				began := time.Now()
				_, err := ask(ctx, d, c.actor, followedJob, 30, nil)
				if codeOf(err) != c.code || time.Since(began) != c.after {
					t.Errorf("%v after %v, want %s after %v", err, time.Since(began), c.code, c.after)
				}
			})
		})
	}
}

// A look that takes long holds up neither those who give up nor those who
// come meanwhile.
func TestSlowLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, c := watched()
		c.slow = 3 * time.Second
		began := time.Now()
		late := make(chan time.Duration)
		time.AfterFunc(500*time.Millisecond, func() { // during the first look
			job, err := ask(t.Context(), d, writer, followedJob, 30, nil)
			if err != nil || job.Status != schemas.Succeeded {
				t.Errorf("who came meanwhile: %s, %v", job.Status, err)
			}
			late <- time.Since(began)
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := ask(ctx, d, writer, followedJob, 30, nil); codeOf(err) != bridge.CodeInvalidRequest || time.Since(began) != time.Second {
			t.Errorf("who gave up: %v after %v", err, time.Since(began))
		}
		c.change(followedJob, func(j *bridge.Job) { j.Status = schemas.Succeeded })
		if took := <-late; took != 6200*time.Millisecond { // after the second look, the first that asked for them too
			t.Errorf("who came meanwhile was answered after %v", took)
		}
		time.Sleep(2 * c.slow) // what was begun for those who left may still end
	})
}

// A worker in the same process wakes those who wait for its job, at once.
func TestTheEndOfAJobWakesItsWaiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, c := watched()
		heard := &ends{}
		observer := d.Hearing(heard)
		observer.Ended(running("another"), schemas.Succeeded, 0) // nobody waits for anything
		go func() {
			time.Sleep(50 * time.Millisecond)
			observer.Ended(running("another"), schemas.Succeeded, 0)
			c.change(followedJob, func(j *bridge.Job) { j.Status = schemas.Failed })
			observer.Ended(running(followedJob), schemas.Failed, 0)
			observer.Ended(running(followedJob), schemas.Failed, 0)
		}()
		began := time.Now()
		job, err := ask(t.Context(), d, writer, followedJob, 30, nil)
		if err != nil || job.Status != schemas.Failed || time.Since(began) != 50*time.Millisecond {
			t.Errorf("%s, %v after %v", job.Status, err, time.Since(began))
		}
		if _, looks := c.counts(); looks > 2 {
			t.Errorf("%d looks", looks)
		}
		synctest.Wait()
		if heard.n != 4 {
			t.Errorf("the observer behind heard %d ends, want 4", heard.n)
		}
	})
}

// ends counts the ends of jobs.
type ends struct {
	bridge.Observer
	n int
}

func (e *ends) Ended(bridge.Job, schemas.JobStatus, time.Duration) { e.n++ }

// On the real store: accepted, followed by many, ended by a worker, with one
// question a tick.
func TestFollowingOnTheStore(t *testing.T) {
	d, db := newDesk(t, quietShop{})
	counting := &counted{JobReader: db}
	d.Jobs = counting
	jobID := mustAccept(t, d, priceOf(firstID, `{"product_id":1,"updates":{"stock_delta":1}}`)).JobID
	began := time.Now()
	var waiting, all sync.WaitGroup
	for range 50 {
		waiting.Add(1)
		told := sync.OnceFunc(waiting.Done)
		all.Go(func() {
			job, err := ask(t.Context(), d, writer, jobID, 30, func(schemas.Progress) { told() })
			if err != nil || job.Status != schemas.Succeeded || !strings.Contains(string(job.Result), "price_ht") {
				t.Errorf("%s, %v", job.Status, err)
			}
		})
	}
	progress(t, db, jobID)
	waiting.Wait()
	end(t, db, jobID, schemas.Succeeded)
	all.Wait()
	statuses, looks := counting.counts()
	if most := int(time.Since(began)/(200*time.Millisecond)) + 1; looks > most || statuses != 100 {
		t.Errorf("%d looks in %v and %d full reads", looks, time.Since(began), statuses)
	}
}

// progress lets a job's first attempt settle one step and gives it back.
func progress(t *testing.T, db *store.Store, jobID string) {
	t.Helper()
	claim, err := db.Claim(t.Context(), jobID, "test", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	step := bridge.StepRecord{Name: "stock", Target: "product:1", State: bridge.StepApplied}
	if err := db.Journal(t.Context(), claim, bridge.Entry{Steps: []bridge.StepRecord{step}, Progress: schemas.Progress{Done: 1, Total: 2}}); err != nil {
		t.Fatal(err)
	}
	if err := db.Release(t.Context(), claim, bridge.Release{At: time.Now().Add(-time.Second)}); err != nil {
		t.Fatal(err)
	}
}
