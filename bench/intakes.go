package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/hibiken/asynq"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	_ "modernc.org/sqlite" // the naive peer's own way into a file

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/store"
)

// The intakes by name.
const (
	intakeBridge   = "bridge"
	intakeNoCommit = "no-commit"
	intakeNaive    = "naive"
	intakeRiver    = "river"
	intakeAsynq    = "asynq"
)

// intake is one way to make an accepted write durable.
type intake struct {
	bridge.Intake
	jobs      bridge.JobReader
	transport bridge.Transport // nil: the bridge's stream
	close     func() error
}

func openIntake(ctx context.Context, s doorSettings) (intake, error) {
	switch s.intake {
	case intakeRiver:
		return openRiver(ctx, s.peer)
	case intakeAsynq:
		return openAsynq(s.peer)
	}
	db, err := openStore(ctx, s.database)
	if err != nil {
		return intake{}, err
	}
	in := intake{Intake: db, jobs: db, close: db.Close}
	switch s.intake {
	case intakeBridge:
	case intakeNoCommit:
		in.Intake = noCommit{db}
	case intakeNaive:
		naive, err := openNaive(ctx, s.database, db)
		if err != nil {
			return intake{}, errors.Join(err, db.Close())
		}
		in.Intake, in.close = naive, func() error { return errors.Join(naive.db.Close(), db.Close()) }
	default:
		return intake{}, errors.Join(fmt.Errorf("there is no intake %q", s.intake), db.Close())
	}
	return in, nil
}

// noCommit is the floor: everything but writing.
type noCommit struct{ *store.Store }

func (noCommit) Accept(context.Context, bridge.Job, string) (*bridge.Recorded, error) {
	return nil, nil
}

// naive is what one would write first: one INSERT, in a transaction of its own,
// for each request, and a unique key against doubles.
type naive struct {
	*store.Store // looks request ids up
	db           *sql.DB
}

const naiveTable = `CREATE TABLE IF NOT EXISTS naive_jobs (
	id VARCHAR(36) NOT NULL PRIMARY KEY, kind VARCHAR(40) NOT NULL, client_id VARCHAR(64) NOT NULL, request_id VARCHAR(36) NOT NULL,
	intention VARCHAR(64) NOT NULL, status VARCHAR(20) NOT NULL, payload TEXT NOT NULL, accepted_at BIGINT NOT NULL,
	UNIQUE (client_id, request_id))`

func openNaive(ctx context.Context, databaseURL string, db *store.Store) (naive, error) {
	own, err := openOwn(databaseURL)
	if err != nil {
		return naive{}, err
	}
	if _, err := own.ExecContext(ctx, naiveTable); err != nil {
		return naive{}, errors.Join(err, own.Close())
	}
	return naive{db, own}, nil
}

// openOwn is our own way into a database of the bridge, as durable as its own.
func openOwn(databaseURL string) (*sql.DB, error) {
	if path, isFile := strings.CutPrefix(databaseURL, "sqlite:"); isFile {
		db, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate&_busy_timeout=10000&_journal_mode=WAL&_synchronous=FULL")
		if err == nil {
			db.SetMaxOpenConns(1) // more writers only take turns at failing
		}
		return db, err
	}
	at, err := url.Parse(databaseURL)
	if err != nil {
		return nil, err
	}
	db := openMySQL(at.Host, strings.TrimPrefix(at.Path, "/"))
	db.SetMaxOpenConns(32)
	db.SetMaxIdleConns(32)
	return db, nil
}

func (n naive) Accept(ctx context.Context, job bridge.Job, intention string) (*bridge.Recorded, error) {
	_, err := n.db.ExecContext(ctx, "INSERT INTO naive_jobs VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		job.ID, job.Kind, job.ClientID, job.RequestID, intention, string(job.Status), string(job.Payload), job.AcceptedAt.UnixMicro())
	return nil, err
}

// nothing is what the peers know of request ids and how their jobs are
// announced: they have queues of their own.
type nothing struct{}

func (nothing) Recall(context.Context, string, string, string) (*bridge.Recorded, error) {
	return nil, nil
}

func (nothing) Announce(context.Context, string) error { return nil }

// peerArgs are a peer's job with the payload of ours.
type peerArgs struct {
	JobID     string `json:"job_id"`
	ClientID  string `json:"client_id"`
	RequestID string `json:"request_id"`
	Intention string `json:"intention"`
	Payload   string `json:"payload"`
}

// peerKind names the job in both peers.
const peerKind = "bench_nothing"

// Kind implements river.JobArgs.
func (peerArgs) Kind() string { return peerKind }

func argsOf(job bridge.Job, intention string) peerArgs {
	return peerArgs{job.ID, job.ClientID, job.RequestID, intention, string(job.Payload)}
}

// riverIntake inserts one River job a request; unique keys are left out, which
// is in River's favour.
type riverIntake struct {
	nothing
	client *river.Client[pgx.Tx]
}

func openRiver(ctx context.Context, url string) (intake, error) {
	pool, client, err := connectRiver(ctx, url, &river.Config{})
	if err != nil {
		return intake{}, err
	}
	done := func() error { pool.Close(); return nil }
	return intake{Intake: riverIntake{client: client}, transport: nothing{}, close: done}, nil
}

// connectRiver opens River on a PostgreSQL, with its tables made.
func connectRiver(ctx context.Context, url string, config *river.Config) (*pgxpool.Pool, *river.Client[pgx.Tx], error) {
	settings, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, nil, err
	}
	settings.MaxConns = 32
	pool, err := pgxpool.NewWithConfig(ctx, settings)
	if err != nil {
		return nil, nil, err
	}
	driver := riverpgxv5.New(pool)
	migrator, err := rivermigrate.New(driver, nil)
	if err == nil {
		_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	}
	if err != nil {
		pool.Close()
		return nil, nil, err
	}
	client, err := river.NewClient(driver, config)
	if err != nil {
		pool.Close()
		return nil, nil, err
	}
	return pool, client, nil
}

func (r riverIntake) Accept(ctx context.Context, job bridge.Job, intention string) (*bridge.Recorded, error) {
	_, err := r.client.Insert(ctx, argsOf(job, intention), nil)
	return nil, err
}

// asynqIntake enqueues one asynq task a request, its id the job's.
type asynqIntake struct {
	nothing
	client *asynq.Client
}

func openAsynq(address string) (intake, error) {
	client := asynq.NewClient(asynqRedis(address))
	return intake{Intake: asynqIntake{client: client}, transport: nothing{}, close: client.Close}, nil
}

func asynqRedis(address string) asynq.RedisClientOpt {
	return asynq.RedisClientOpt{Addr: address, PoolSize: 64}
}

func (a asynqIntake) Accept(ctx context.Context, job bridge.Job, intention string) (*bridge.Recorded, error) {
	payload, err := json.Marshal(argsOf(job, intention))
	if err != nil {
		return nil, err
	}
	_, err = a.client.EnqueueContext(ctx, asynq.NewTask(peerKind, payload), asynq.TaskID(job.ID), asynq.Retention(0), asynq.MaxRetry(5), asynq.Timeout(time.Minute))
	return nil, err
}
