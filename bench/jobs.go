package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"
	"github.com/riverqueue/river"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/queue"
	"github.com/prestashop-bridge/bridge/schemas"
	"github.com/prestashop-bridge/bridge/store"
)

// The product's own figures, as in cmd/bridge/wire.go.
const (
	jobLease   = 8 * time.Second
	sweepEvery = 500 * time.Millisecond
)

// burner works a backlog off.
type burner struct {
	name  string
	floor string
	// burn prepares n jobs, then works on them until they are done or until
	// the context ends, and gives how many it did and how long that took.
	burn func(ctx context.Context, b *bench, n int) (done int, took time.Duration, err error)
}

// measureJobs lets each burner work off its share of the backlog in turns.
func measureJobs(ctx context.Context, b *bench) error {
	burners := []burner{
		{"bridge, MariaDB, 8 workers", "statements, MariaDB, 8 workers", ours(onMariaDB, 8)},
		{"statements, MariaDB, 8 workers", "", statements(onMariaDB, 8)},
		{"bridge, MariaDB, 32 workers", "statements, MariaDB, 32 workers", ours(onMariaDB, 32)},
		{"statements, MariaDB, 32 workers", "", statements(onMariaDB, 32)},
		{"bridge, MariaDB, 500 workers", "statements, MariaDB, 500 workers", ours(onMariaDB, 500)},
		{"statements, MariaDB, 500 workers", "", statements(onMariaDB, 500)},
		{"bridge, SQLite, 8 workers", "statements, SQLite, 8 workers", ours(onSQLite, 8)},
		{"statements, SQLite, 8 workers", "", statements(onSQLite, 8)},
		{riverBurner, "", burnRiver},
		{"asynq, AOF always, 64 workers", "", burnAsynq(aofAlways)},
		{"asynq, AOF everysec, 64 workers", "", burnAsynq(aofEverysec)},
	}
	burners = slices.DeleteFunc(burners, func(one burner) bool { return !b.who.MatchString(one.name) })
	rate, done := map[string]figures{}, map[string]int{}
	for range b.rounds {
		for _, one := range burners {
			n, took, err := one.burn(ctx, b, max(1, b.jobs/b.rounds))
			if err != nil {
				return fmt.Errorf("%s: %w", one.name, err)
			}
			rate[one.name] = append(rate[one.name], float64(n)/took.Seconds())
			done[one.name] += n
		}
	}
	var rows [][]string
	for _, one := range burners {
		floor := "–"
		if one.floor != "" {
			floor = rate[one.name].against(rate[one.floor]).middle("%.2f")
		}
		rows = append(rows, []string{one.name, rate[one.name].spread("%.0f"), fmt.Sprint(done[one.name]), floor, rate[one.name].against(rate[riverBurner]).middle("%.2f")})
	}
	b.report.say("A backlog of %d jobs that do nothing, %d a turn, for at most %s a turn; writing the backlog is not timed. "+
		"`bridge` is stream and sweep, claim, plan, a step with nothing to send, finish: two fenced writes a job, each in a transaction that workers share. `statements`, the floor, are the store's same two calls alone, by as many goroutines. "+
		"River and asynq run with the number of workers and the pauses that suit them best; each takes jobs and completes them in batches or in memory, and neither journals steps, keeps one writer for a product or fences its workers.",
		b.jobs, max(1, b.jobs/b.rounds), b.patient)
	b.report.table([]string{"who", "jobs/s", "done in all", "of the floor", "× River"}, rows)
	return nil
}

// backlog accepts jobs as quickly as the store takes them.
func backlog(ctx context.Context, db *store.Store, n int, each func(jobID string) error) error {
	const callers = 128
	var next atomic.Int64
	_, err := together(callers, func(int) (int, error) {
		for next.Add(1) <= int64(n) {
			job := newJob()
			if _, err := db.Accept(ctx, job, someIntention); err != nil {
				return 0, err
			}
			if err := each(job.ID); err != nil {
				return 0, err
			}
		}
		return 0, nil
	})
	return err
}

// counting is an observer that knows when the last job has ended.
type counting struct {
	bridge.Observer
	left atomic.Int64
	done chan struct{}
}

func newCounting(n int) *counting {
	c := &counting{done: make(chan struct{})}
	c.left.Store(int64(n))
	return c
}

func (c *counting) count() {
	if c.left.Add(-1) == 0 {
		close(c.done)
	}
}

func (c *counting) Attempt(string)                                     {}
func (c *counting) Step(string, bridge.StepRecord)                     {}
func (c *counting) Released(string, bool)                              {}
func (c *counting) Ended(bridge.Job, schemas.JobStatus, time.Duration) { c.count() }

// await waits for the last job, or as long as one is patient.
func (c *counting) await(ctx context.Context, n int, patience time.Duration) (done int, took time.Duration, err error) {
	began := time.Now()
	select {
	case <-c.done:
	case <-time.After(patience):
	case <-ctx.Done():
		return 0, 0, ctx.Err()
	}
	return n - int(max(0, c.left.Load())), time.Since(began), nil
}

// station is a bridge's worker in this process, wired as cmd/bridge does.
type station struct {
	store *store.Store
	queue *queue.Queue
}

func (b *bench) station(ctx context.Context, at where) (*station, error) {
	db, err := openStore(ctx, at.database)
	if err != nil {
		return nil, err
	}
	q, err := queue.Open(ctx, at.redis, queue.Options{KeyPrefix: "bench" + randomText() + ":"})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &station{db, q}, nil
}

func (s *station) close() error { return errors.Join(s.queue.Close(), s.store.Close()) }

// work runs so many workers until stop is called, which waits for them.
func (s *station) work(ctx context.Context, workers int, shop bridge.Shop, observe bridge.Observer) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	worker := &bridge.Worker{
		Ledger: s.store, Shops: bridge.OneShop(shop), Node: "bench", Lease: jobLease, AttemptTimeout: time.Minute, Settle: 5 * time.Second,
		Now: time.Now, Log: slog.New(slog.DiscardHandler), Observe: observe,
	}
	var runner *queue.Runner
	worker.Slots = &bridge.Slots{
		Workers: workers, Several: func(context.Context) (bool, error) { return false, nil }, Freed: func() { runner.Kick() },
	}
	worker.Ending = func(jobID string) { runner.Ending(jobID) }
	runner = queue.NewRunner(s.queue, queue.RunnerOptions{Work: worker.Run, Due: worker.Due, Workers: workers, SweepEvery: sweepEvery})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = runner.Run(ctx) // nil whenever Work and Due are there
	}()
	return func() {
		cancel()
		<-ended
	}
}

// ours burns with the product's worker.
func ours(kind string, workers int) func(context.Context, *bench, int) (int, time.Duration, error) {
	return func(ctx context.Context, b *bench, n int) (done int, took time.Duration, err error) {
		at, err := b.place(ctx, kind)
		if err != nil {
			return 0, 0, err
		}
		s, err := b.station(ctx, at)
		if err != nil {
			return 0, 0, err
		}
		defer func() { err = errors.Join(err, s.close()) }()
		if err := backlog(ctx, s.store, n, func(id string) error { return s.queue.Announce(ctx, id) }); err != nil {
			return 0, 0, err
		}
		stopProfile, err := b.profiling(fmt.Sprintf("jobs-%s-%d", kind, workers))
		if err != nil {
			return 0, 0, err
		}
		defer stopProfile()
		left := newCounting(n)
		stop := s.work(ctx, workers, blankShop{}, left)
		defer stop()
		return left.await(ctx, n, b.patient)
	}
}

// profiling writes a CPU profile of this process until stop is called.
func (b *bench) profiling(name string) (stop func(), err error) {
	if b.profile == "" {
		return func() {}, nil
	}
	file, err := os.Create(filepath.Join(b.profile, name+".pprof"))
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return func() {
		pprof.StopCPUProfile()
		_ = file.Close() // a profile that is cut short says so itself
	}, nil
}

// statements does to the database what the worker does, and nothing else.
func statements(kind string, workers int) func(context.Context, *bench, int) (int, time.Duration, error) {
	return func(ctx context.Context, b *bench, n int) (done int, took time.Duration, err error) {
		at, err := b.place(ctx, kind)
		if err != nil {
			return 0, 0, err
		}
		db, err := openStore(ctx, at.database)
		if err != nil {
			return 0, 0, err
		}
		defer func() { err = errors.Join(err, db.Close()) }()
		ids := make(chan string, n)
		if err := backlog(ctx, db, n, func(id string) error { ids <- id; return nil }); err != nil {
			return 0, 0, err
		}
		close(ids)
		began := time.Now()
		until := began.Add(b.patient)
		done, err = together(workers, func(int) (did int, err error) {
			for id := range ids {
				if time.Now().After(until) {
					return did, nil
				}
				if err := runAlone(ctx, db, id); err != nil {
					return did, err
				}
				did++
			}
			return did, nil
		})
		return done, time.Since(began), err
	}
}

// runAlone is one job's two transactions.
func runAlone(ctx context.Context, db *store.Store, id string) error {
	claim, err := db.Claim(ctx, id, "bench", jobLease)
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	step := bridge.StepRecord{Name: "nothing", State: bridge.StepSkipped, Detail: "nothing to do", DoneAt: &now}
	return db.Finish(ctx, claim, bridge.Ending{
		Status: schemas.Succeeded, Result: json.RawMessage("{}"), Progress: schemas.Progress{Done: 1, Total: 1}, Steps: []bridge.StepRecord{step},
	})
}

const (
	riverBurner  = "River, PostgreSQL, 500 workers"
	riverWorkers = 500
	asynqWorkers = 64
)

// riverWorker does nothing, as blankShop does.
type riverWorker struct{ river.WorkerDefaults[peerArgs] }

func (w riverWorker) Work(context.Context, *river.Job[peerArgs]) error { return nil }

// burnRiver works with the pauses of River's own benchmark. A job is done when
// River says so, which is after its completion is durable.
func burnRiver(ctx context.Context, b *bench, n int) (int, time.Duration, error) {
	url, err := b.postgresql(ctx)
	if err != nil {
		return 0, 0, err
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, riverWorker{})
	pool, client, err := connectRiver(ctx, url, &river.Config{
		Queues:        map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: riverWorkers, FetchCooldown: 2 * time.Millisecond, FetchPollInterval: 20 * time.Millisecond}},
		Workers:       workers,
		FetchCooldown: 2 * time.Millisecond, FetchPollInterval: 20 * time.Millisecond,
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return 0, 0, err
	}
	defer pool.Close()
	if _, err := pool.Exec(ctx, "TRUNCATE river_job"); err != nil {
		return 0, 0, err
	}
	for left := n; left > 0; left -= min(left, 5000) {
		var many []river.InsertManyParams
		for range min(left, 5000) {
			many = append(many, river.InsertManyParams{Args: argsOf(newJob(), someIntention)})
		}
		if _, err := client.InsertMany(ctx, many); err != nil {
			return 0, 0, err
		}
	}
	left := newCounting(n)
	events, stopEvents := client.SubscribeConfig(&river.SubscribeConfig{ChanSize: n, Kinds: []river.EventKind{river.EventKindJobCompleted}})
	defer stopEvents()
	go func() {
		for range events {
			left.count()
		}
	}()
	began := time.Now()
	if err := client.Start(ctx); err != nil {
		return 0, 0, err
	}
	done, _, err := left.await(ctx, n, b.patient)
	took := time.Since(began)
	return done, took, errors.Join(err, client.StopAndCancel(ctx))
}

// burnAsynq works off a queue in Redis.
func burnAsynq(keeps durability) func(context.Context, *bench, int) (int, time.Duration, error) {
	return func(ctx context.Context, b *bench, n int) (done int, took time.Duration, err error) {
		address, err := b.redis(ctx, keeps)
		if err != nil {
			return 0, 0, err
		}
		at := asynqRedis(address)
		client := asynq.NewClient(at)
		defer func() { err = errors.Join(err, client.Close()) }()
		inspector := asynq.NewInspector(at)
		defer func() { err = errors.Join(err, inspector.Close()) }()
		if err := inspector.DeleteQueue("default", true); err != nil && !errors.Is(err, asynq.ErrQueueNotFound) {
			return 0, 0, err
		}
		var next atomic.Int64
		_, err = together(64, func(int) (int, error) {
			for next.Add(1) <= int64(n) {
				if _, err := (asynqIntake{client: client}).Accept(ctx, newJob(), someIntention); err != nil {
					return 0, err
				}
			}
			return 0, nil
		})
		if err != nil {
			return 0, 0, err
		}
		server := asynq.NewServer(at, asynq.Config{Concurrency: asynqWorkers, LogLevel: asynq.FatalLevel})
		left := newCounting(n)
		began := time.Now()
		if err := server.Start(asynq.HandlerFunc(func(context.Context, *asynq.Task) error { left.count(); return nil })); err != nil {
			return 0, 0, err
		}
		defer server.Shutdown()
		done, _, err = left.await(ctx, n, b.patient)
		return done, time.Since(began), err
	}
}
