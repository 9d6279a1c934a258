package bridge

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/prestashop-bridge/bridge/schemas"
)

// Job is a durable write. The store makes and loads it; doors only ever see
// its View.
type Job struct {
	ID            string // UUID v7
	Kind          string // an Operation's name
	ClientID      string
	Shop          string // its client's; "" is that of the settings
	RequestID     string // UUID v4, lower case
	BatchID       string // imports only
	Status        schemas.JobStatus
	Payload       json.RawMessage // canonical, without request_id
	Targets       []string
	Attempts      int
	MaxAttempts   int
	AcceptedAt    time.Time
	StartedAt     *time.Time
	FinishedAt    *time.Time
	NextAttemptAt *time.Time
	Progress      schemas.Progress
	Steps         []StepRecord
	Result        json.RawMessage
	Error         *schemas.JobError
}

// TrackingPath is where a job's state is polled.
func TrackingPath(jobID string) string { return "/v1/jobs/" + jobID }

// View is the job as clients see it.
func (j Job) View() schemas.Job {
	steps := make([]schemas.JobStep, len(j.Steps))
	for i, s := range j.Steps {
		steps[i] = s.view()
	}
	return schemas.Job{
		JobID: j.ID, Kind: j.Kind, Status: j.Status,
		Attempts: min(j.Attempts, j.MaxAttempts), MaxAttempts: j.MaxAttempts,
		AcceptedAt: j.AcceptedAt, StartedAt: j.StartedAt, FinishedAt: j.FinishedAt, NextAttemptAt: j.NextAttemptAt,
		Progress: j.Progress, Steps: steps, Result: j.Result, Error: j.Error,
		TrackingURL: TrackingPath(j.ID),
	}
}

// Move is one allowed change of a job's status.
type Move struct{ From, To schemas.JobStatus }

// Moves is the life of a job as data; docs/states.md and the store are tested
// against it. A claim is a move into processing, a release one out of it. Out
// of a terminal status only an operator leads.
var Moves = []Move{
	{schemas.AwaitingApproval, schemas.Accepted},
	{schemas.AwaitingApproval, schemas.Cancelled},
	{schemas.Accepted, schemas.Processing},
	{schemas.Accepted, schemas.Cancelled},
	{schemas.Processing, schemas.Processing}, // a dead worker's job, claimed again
	{schemas.Processing, schemas.Retrying},
	{schemas.Processing, schemas.Succeeded},
	{schemas.Processing, schemas.Failed},
	{schemas.Processing, schemas.NeedsReview},
	{schemas.Retrying, schemas.Processing},
	{schemas.Retrying, schemas.Cancelled},
	{schemas.Failed, schemas.Accepted},      // an operator's retry
	{schemas.NeedsReview, schemas.Accepted}, // an operator's resolution
}

// CanMove reports whether the table allows the change.
func CanMove(from, to schemas.JobStatus) bool { return slices.Contains(Moves, Move{from, to}) }

// StepState is where one journalled shop call is.
type StepState string

// A step is sending from just before the shop is called until its outcome is
// known. Only sending ever needs the read-back check.
const (
	StepSending StepState = "sending"
	StepApplied StepState = "applied"
	StepSkipped StepState = "skipped" // nothing to send: the shop already is so
	StepFailed  StepState = "failed"  // the shop refused; certainly not applied
	StepUnknown StepState = "unknown" // cannot be known
)

// Settled reports whether the step's outcome is final.
func (s StepState) Settled() bool { return s != StepSending }

// StepRecord is a step's row in the journal. (Unit, Name) is unique in a job.
type StepRecord struct {
	Seq      int    // order in the job, from 0
	Unit     string // "items/3" for an import, "" otherwise
	Name     string
	Target   string // "product:7"
	State    StepState
	Sends    int             // how often the call was sent
	Baseline json.RawMessage // what Check compares with
	Before   json.RawMessage
	After    json.RawMessage
	Detail   string
	Error    *schemas.JobError // why it failed or cannot be known
	SentAt   *time.Time        // nil when the call certainly did not leave
	DoneAt   *time.Time        // when it was answered or given up
}

// inFlight holds for a call that left and of which no answer is known.
func (s StepRecord) inFlight() bool { return s.State == StepSending && s.SentAt != nil }

func (s StepRecord) view() schemas.JobStep {
	name := s.Name
	if s.Unit != "" {
		name = s.Unit + "/" + s.Name
	}
	return schemas.JobStep{Name: name, Target: s.Target, State: string(s.State), Before: s.Before, After: s.After, Detail: s.Detail}
}

// Journal is what a job has done so far.
type Journal []StepRecord

// Find gives the record of a step, if it was journalled.
func (j Journal) Find(unit, name string) (StepRecord, bool) {
	for _, s := range j {
		if s.Unit == unit && s.Name == name {
			return s, true
		}
	}
	return StepRecord{}, false
}

// nextSeq numbers the next record; an operator's decision may have left gaps.
func (j Journal) nextSeq() int {
	next := 0
	for _, s := range j {
		next = max(next, s.Seq+1)
	}
	return next
}

// of gives one unit's part of a journal.
func (j Journal) of(unit string) Journal {
	var own Journal
	for _, rec := range j {
		if rec.Unit == unit {
			own = append(own, rec)
		}
	}
	return own
}

// with gives a journal with the record put in by unit and name.
func (j Journal) with(rec StepRecord) Journal {
	out := make(Journal, 0, len(j)+1)
	found := false
	for _, old := range j {
		if old.Unit == rec.Unit && old.Name == rec.Name {
			old, found = rec, true
		}
		out = append(out, old)
	}
	if !found {
		out = append(out, rec)
	}
	return out
}
