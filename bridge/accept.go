package bridge

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"

	"github.com/prestashop-bridge/bridge/policies"
	"github.com/prestashop-bridge/bridge/schemas"
)

// accept makes a checked write durable, or answers what its request id or
// batch id already stands for. Acceptance is the database's commit; whatever
// fails before it leaves nothing, whatever fails after it is healed by the
// sweep.
func (d *Desk) accept(ctx context.Context, actor Actor, op Operation, requestID string, doc schemas.Document) (Answer, error) {
	requestID, err := CheckRequestID(requestID)
	if err != nil {
		return Answer{}, err
	}
	in, err := intentOf(op, doc)
	if err != nil {
		return Answer{}, Fault(CodeInternal, err, "The payload passed its schema but cannot be read.")
	}
	intention := intentionHash(op, doc)

	// The cache is asked first for two reasons: it is faster, and a queue that
	// is away must refuse the write before anything is accepted.
	remembered, err := d.Replays.Recall(ctx, actor.ClientID, requestID)
	if err != nil {
		return Answer{}, err
	}
	if remembered != nil {
		return replayed(*remembered, intention)
	}
	recorded, err := d.Intake.Recall(ctx, actor.ClientID, requestID, in.batchID)
	if err != nil {
		return Answer{}, err
	}
	if recorded == nil {
		if err := d.preflight(ctx, actor, op, doc); err != nil {
			return Answer{}, err
		}
	} else if !recorded.ByBatch || recorded.Intention != intention {
		return d.recalled(ctx, actor, requestID, intention, *recorded)
	}

	job := Job{
		ID: d.NewID(), Kind: op.Name, ClientID: actor.ClientID, Shop: actor.Shop, RequestID: requestID, BatchID: in.batchID,
		Status: schemas.Accepted, Payload: doc.Canonical(), Targets: in.targets,
		MaxAttempts: d.MaxAttempts, AcceptedAt: d.Now().UTC(),
	}
	recorded, err = d.Intake.Accept(ctx, job, intention)
	if err != nil {
		return Answer{}, err
	}
	if recorded != nil {
		return d.recalled(ctx, actor, requestID, intention, *recorded)
	}
	ctx, end := d.tracer().Job(ctx, job.ID, "accepted "+job.Kind, slog.String("client", job.ClientID), slog.String("shop", ShopLabel(job.Shop)), slog.String("request_id", job.RequestID))
	err = d.Transport.Announce(ctx, job.ID)
	end(err)
	if err != nil {
		d.Log.WarnContext(ctx, "accepted job not announced; the sweep will find it", "job_id", job.ID, "error", err)
	}
	return Answer{Acceptance: NewAcceptance(job.ID, job.Status)}, nil
}

// CheckRequestID gives the id of a write in the spelling that is stored.
func CheckRequestID(text string) (string, error) {
	id, err := schemas.ParseRequestID(text)
	if err != nil {
		return "", violation([]schemas.FieldError{{Pointer: "/request_id", Keyword: "format", Message: err.Error()}})
	}
	return id, nil
}

// preflight asks the shop what would certainly fail. A shop that is away or
// slow does not stop a write from being accepted: the job meets the same
// checks.
func (d *Desk) preflight(ctx context.Context, actor Actor, op Operation, doc schemas.Document) error {
	ctx, cancel := context.WithTimeout(ctx, preflightTimeout)
	defer cancel()
	shop, err := d.Shops.Shop(ctx, actor.Shop)
	if err == nil {
		err = shop.Preflight(ctx, op.Name, doc.Canonical())
	}
	var fault *ShopError
	if errors.As(err, &fault) && (fault.Fault == Unclear || fault.Fault == Unreached) {
		d.Log.InfoContext(ctx, "accepting without the shop's opinion", "operation", op.Name, "error", err)
		return nil
	}
	return shopAnswer(err)
}

// recalled answers a request id or batch id that is already taken, by the
// idempotency table of the contract.
func (d *Desk) recalled(ctx context.Context, actor Actor, requestID, intention string, r Recorded) (Answer, error) {
	if r.Intention != intention {
		return Answer{}, conflict(r.ByBatch)
	}
	if !r.Job.Status.Terminal() {
		return Answer{Acceptance: NewAcceptance(r.Job.ID, r.Job.Status), Repeated: true}, nil
	}
	view, err := json.Marshal(r.Job.View())
	if err != nil {
		return Answer{}, Fault(CodeInternal, err, "The job cannot be shown.")
	}
	replay := Replay{Intention: intention, JobID: r.Job.ID, Status: r.Job.Status, View: view}
	if r.Job.Status == schemas.Succeeded { // every other end can still be reopened by an operator
		if err := d.Replays.Remember(ctx, actor.ClientID, requestID, replay); err != nil {
			d.Log.WarnContext(ctx, "replay not cached; the database answers it", "job_id", r.Job.ID, "error", err)
		}
	}
	return replayed(replay, intention)
}

// replayed answers a request whose job has ended.
func replayed(r Replay, intention string) (Answer, error) {
	if r.Intention != intention {
		return Answer{}, conflict(false)
	}
	return r.Answer()
}

// Answer is what a client hears whose request's job has ended.
func (r Replay) Answer() (Answer, error) {
	answer, err := Ended(r.JobID, r.Status, r.View)
	if err == nil {
		answer.Acceptance.Message = "This request was carried out before; nothing was sent to the shop again."
		answer.Repeated, answer.Replay = true, r.View
	}
	return answer, err
}

// Ended is what a write answers once its job has ended: its acceptance with
// the job in it, or CodeKnownFailedReplay with the job for every end but
// success. View is schemas.Job as JSON.
func Ended(jobID string, status schemas.JobStatus, view json.RawMessage) (Answer, error) {
	if status != schemas.Succeeded {
		fault := Fault(CodeKnownFailedReplay, nil, "This request was accepted as job %s, which ended %s.", jobID, status)
		fault.Job = view
		return Answer{}, fault
	}
	known := NewAcceptance(jobID, status)
	known.Message = "Carried out; the job says how."
	known.Job = view
	return Answer{Acceptance: known}, nil
}

func conflict(byBatch bool) *Error {
	what := "request id"
	if byBatch {
		what = "batch_id"
	}
	fault := Fault(CodeIdempotencyConflict, nil, "This %s already stands for another payload; nothing was executed.", what)
	fault.Rule = policies.RequestIDSingleIntention
	return fault
}

// NewAcceptance is the answer to a write that has become a job.
func NewAcceptance(jobID string, status schemas.JobStatus) *schemas.Acceptance {
	return &schemas.Acceptance{
		JobID: jobID, Status: status, TrackingURL: TrackingPath(jobID),
		PollAfterSeconds: int(pollAfter.Seconds()),
		Message:          "Accepted, not done. Follow the job until it is terminal; only business_success:true there means the shop was changed.",
	}
}

// intentionHash identifies what a request asks for: method, path and canonical
// payload, not the bytes it was spelt with (CONTRACT: idempotency).
func intentionHash(op Operation, doc schemas.Document) string {
	h := sha256.New()
	for _, part := range [][]byte{[]byte(op.Method), []byte(op.Path), doc.Canonical()} {
		h.Write(part)
		h.Write([]byte{'\n'})
	}
	return hex.EncodeToString(h.Sum(nil))
}
