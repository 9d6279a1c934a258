package bridge

import (
	"context"
	"encoding/json"
	"time"

	"github.com/prestashop-bridge/bridge/schemas"
)

// Recorded is what an earlier use of a request id or batch id left behind.
type Recorded struct {
	Intention string // hex SHA-256 of method, path and canonical payload
	ByBatch   bool   // found by batch_id, not by request id
	Job       Job    // without payload and targets, as JobStatus loads it
}

// Intake is the store as Accept uses it.
type Intake interface {
	// Recall finds what the client's request id, or else its batch id ("" for
	// none), already stands for; nil when both are new.
	Recall(ctx context.Context, clientID, requestID, batchID string) (*Recorded, error)
	// Accept writes the idempotency record and the job in one transaction. If
	// the request id or the batch id is taken by then, nothing is written for
	// it and what is recorded comes back; a known batch with the same intention
	// gets the new request id bound to its job. Two racing calls make one job.
	Accept(ctx context.Context, job Job, intention string) (*Recorded, error)
}

// JobReader is the store as the job status use case uses it.
type JobReader interface {
	// JobStatus loads a job as its client may see it: with its steps, but
	// without payload and targets, which may be megabytes; CodeNotFound when
	// there is none.
	JobStatus(ctx context.Context, id string) (Job, error)
	// JobStates tells where any number of jobs are, with one statement for some
	// thousand of them. Ids without a job are left out; the order is any.
	JobStates(ctx context.Context, ids []string) ([]JobState, error)
	// RecentJobs tells where a client's own newest jobs are, newest first, up to
	// limit and only from among the newest of all clients, so that its cost is
	// bounded.
	RecentJobs(ctx context.Context, clientID string, limit int) ([]JobState, error)
}

// JobState is what changes of a job while somebody waits for it.
type JobState struct {
	ID       string
	Status   schemas.JobStatus
	Progress schemas.Progress
}

// Claim is a job in the hands of one worker: the fence is the number of the
// claim, and every write of the journal carries it.
type Claim struct {
	Job   Job
	Fence int64
	Until time.Time // end of the lease
}

// Release puts a claimed job back.
type Release struct {
	At      time.Time // when it may be claimed again
	Counted bool      // whether the attempt was used up
	Error   *schemas.JobError
}

// Entry is one write to a claimed job's journal.
type Entry struct {
	Steps    []StepRecord // new, or in place of what has their unit and name
	Progress schemas.Progress
	Unlock   []string // targets to give back; one that the job does not hold is left alone
}

// Ending finishes a claimed job.
type Ending struct {
	Status   schemas.JobStatus // terminal
	Result   json.RawMessage
	Error    *schemas.JobError
	Progress schemas.Progress
	// Steps are records that are not journalled yet, written with the end.
	Steps []StepRecord
}

// Ledger is the store as a worker uses it. Every method but Claim, Due and
// ShopOf is fenced: when the claim is no longer the newest or its lease has run out,
// nothing is written and ErrFenced comes back.
type Ledger interface {
	// Claim takes the job for lease if it is due, no other lease covers it, and
	// no other job holds or waits longer for one of its targets. It locks the
	// targets until the job is terminal and counts an attempt. Not claimable
	// now: ErrNotClaimable.
	Claim(ctx context.Context, jobID, node string, lease time.Duration) (Claim, error)
	// Due lists up to limit jobs that could be claimed now, oldest first, but
	// those of the shops named.
	Due(ctx context.Context, limit int, but ...string) ([]string, error)
	// ShopOf is the name of a job's shop; CodeNotFound when there is no job.
	ShopOf(ctx context.Context, jobID string) (string, error)
	// Renew prolongs the lease and gives its new end.
	Renew(ctx context.Context, c Claim, lease time.Duration) (time.Time, error)
	// LockTarget takes one more target for the job; false when another job
	// holds it.
	LockTarget(ctx context.Context, c Claim, target string) (bool, error)
	// Journal writes all of an entry or nothing.
	Journal(ctx context.Context, c Claim, e Entry) error
	Release(ctx context.Context, c Claim, r Release) error
	Finish(ctx context.Context, c Claim, e Ending) error
}

// Answers of the ledger that are not faults.
var (
	// ErrFenced: another worker has the job now. Stop, touch nothing.
	ErrFenced = Fault(CodeInternal, nil, "another worker holds this job now")
	// ErrNotClaimable: not due, leased, finished, or behind another job.
	ErrNotClaimable = Fault(CodeInternal, nil, "the job cannot be claimed now")
)

// Transport carries job ids to the workers. Losing it loses nothing.
type Transport interface {
	// Announce tells the workers of an accepted job.
	Announce(ctx context.Context, jobID string) error
}

// Replay is a remembered answer to a request id whose job has ended.
type Replay struct {
	Intention string            `json:"intention"`
	JobID     string            `json:"job_id"`
	Status    schemas.JobStatus `json:"status"`
	View      json.RawMessage   `json:"view"` // schemas.Job as JSON
}

// ReplayCache answers replays faster. The database decides; the cache may
// vanish at any time. Its error means that the queue is away.
type ReplayCache interface {
	Recall(ctx context.Context, clientID, requestID string) (*Replay, error)
	Remember(ctx context.Context, clientID, requestID string, r Replay) error
}

// RateClass separates the windows of reads and writes.
type RateClass string

// The two classes of the contract: 100 reads and 20 writes a minute.
const (
	RateRead  RateClass = "read"
	RateWrite RateClass = "write"
)

// RateWindow is the state of a client's window after a request.
type RateWindow struct {
	Allowed   bool
	Limit     int
	Remaining int
	Reset     time.Duration // until the window starts anew
}

// Limiter counts requests per client over all nodes, against the actor's own
// limits where it has some.
type Limiter interface {
	Take(ctx context.Context, actor Actor, class RateClass) (RateWindow, error)
}

// Level is a leaky bucket after a drop was poured in.
type Level struct {
	Used, Total int
	Allowed     bool          // false: it was full and the drop was turned away
	Wait        time.Duration // until there is room, when it was full
}

// Buckets are leaky buckets shared over all nodes: each drop fills one, and it
// leaks at an even rate. They never fail; without Redis each node has its own.
type Buckets interface {
	Pour(ctx context.Context, name string) Level
}

// AccessTokens is the store as the keeper of the compatibility door's tokens,
// which never expire and are kept as their hashes.
type AccessTokens interface {
	// TokenClient gives the client a token was issued to; "" for none.
	TokenClient(ctx context.Context, hash string) (clientID string, err error)
	// SetAccessToken replaces the client's token, with the decision; an empty
	// hash leaves it without one.
	SetAccessToken(ctx context.Context, d Decision, clientID, hash string) error
}

// Shop is a merchant's shop.
type Shop interface {
	Product(ctx context.Context, id int64) (schemas.Product, error)
	// Order reads an order; customer data only when withCustomer.
	Order(ctx context.Context, id int64, withCustomer bool) (schemas.Order, error)
	// Preflight says at the door what would certainly fail later: an unknown
	// product, order or status word, an impossible transition. Its error is an
	// *Error for a refusal and a *ShopError when the shop gave no clear answer.
	Preflight(ctx context.Context, kind string, payload json.RawMessage) error
	// Plan lays out a job's steps; it may read the shop.
	Plan(ctx context.Context, job Job) (Plan, error)
}
