package schemas

import (
	"encoding/json"
	"time"
)

// JobStatus is where a job is. The moves between them are bridge.Moves.
type JobStatus string

// The states of a job (CONTRACT: jobs). awaiting_approval comes before
// accepted when a merchant limit holds a write for a person to decide.
const (
	AwaitingApproval JobStatus = "awaiting_approval"
	Accepted         JobStatus = "accepted"
	Processing       JobStatus = "processing"
	Retrying         JobStatus = "retrying"
	Succeeded        JobStatus = "succeeded"
	Failed           JobStatus = "failed"
	NeedsReview      JobStatus = "needs_review"
	Cancelled        JobStatus = "cancelled"
)

// JobStatuses lists every state in the order of a job's life.
var JobStatuses = []JobStatus{AwaitingApproval, Accepted, Processing, Retrying, Succeeded, Failed, NeedsReview, Cancelled}

// Terminal reports whether nothing more will happen to a job in this state.
func (s JobStatus) Terminal() bool {
	return s == Succeeded || s == Failed || s == NeedsReview || s == Cancelled
}

// Verdict is business_success on the wire. It can only be computed from a job
// status, never set: the zero value is null, and no constructor of true exists
// outside this file. That is how the rule accepted-is-not-success is held by
// the type instead of by care.
type Verdict struct{ of JobStatus }

// MarshalJSON writes null until the status is terminal, true for succeeded
// and false for every other end.
func (v Verdict) MarshalJSON() ([]byte, error) {
	switch {
	case !v.of.Terminal():
		return []byte("null"), nil
	case v.of == Succeeded:
		return []byte("true"), nil
	}
	return []byte("false"), nil
}

// Acceptance is the body of a 202: the write is durable, nothing is done yet.
// Its business_success has no way to be anything but null. Job is there when
// the request was seen before and its job has ended.
type Acceptance struct {
	JobID            string          `json:"job_id"`
	Status           JobStatus       `json:"status"`
	BusinessSuccess  Verdict         `json:"business_success"`
	TrackingURL      string          `json:"tracking_url"`
	PollAfterSeconds int             `json:"poll_after_seconds"`
	Message          string          `json:"message"`
	Job              json.RawMessage `json:"job,omitempty"`
}

// Job is what get_job_status answers and what a replay embeds. Times are UTC.
type Job struct {
	JobID         string          `json:"job_id"`
	Kind          string          `json:"kind"`
	Status        JobStatus       `json:"status"`
	Attempts      int             `json:"attempts"`
	MaxAttempts   int             `json:"max_attempts"`
	AcceptedAt    time.Time       `json:"accepted_at"`
	StartedAt     *time.Time      `json:"started_at" jsonschema:"nullable"`
	FinishedAt    *time.Time      `json:"finished_at" jsonschema:"nullable"`
	NextAttemptAt *time.Time      `json:"next_attempt_at" jsonschema:"nullable"`
	Progress      Progress        `json:"progress"`
	Steps         []JobStep       `json:"steps"`
	Result        json.RawMessage `json:"result"`
	Error         *JobError       `json:"error" jsonschema:"nullable"`
	TrackingURL   string          `json:"tracking_url"`
}

// jobView is a job on the wire: what is kept plus what follows from it. The
// output schema is generated from it.
type jobView struct {
	plainJob
	Terminal        bool    `json:"terminal"`
	BusinessSuccess Verdict `json:"business_success"`
}

type plainJob Job

// MarshalJSON adds terminal and business_success, both derived from Status so
// that they can never disagree with it, and writes no steps as an empty list.
func (j Job) MarshalJSON() ([]byte, error) {
	j.Steps = nonNil(j.Steps)
	return json.Marshal(jobView{plainJob(j), j.Status.Terminal(), Verdict{j.Status}})
}

// Progress counts the units of a job: items of an import, else steps.
type Progress struct {
	Done  int `json:"done"`
	Total int `json:"total"`
}

// JobStep is one journalled call to the shop. Before and After are the values
// read or sent, as far as known; State is pending, sending, applied, skipped,
// failed or unknown.
type JobStep struct {
	Name   string          `json:"name"`
	Target string          `json:"target"`
	State  string          `json:"state"`
	Before json.RawMessage `json:"before"`
	After  json.RawMessage `json:"after"`
	Detail string          `json:"detail"`
}

// JobError says why a job failed or what a person must look at.
type JobError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Fix     string `json:"fix"`
}
