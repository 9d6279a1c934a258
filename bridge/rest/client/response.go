package client

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// Response is an answer that is not a refusal. A read has only Body. A write
// has either Accepted or, when the same request was carried out before,
// Finished.
type Response struct {
	Status    int
	Header    http.Header
	Body      json.RawMessage
	RequestID string
	Accepted  *Accepted
	Finished  *Finished
}

// RetryAfter is when the bridge asks to be called again; zero when it did not
// say.
func (r Response) RetryAfter() time.Duration { return retryAfter(r.Header) }

// Accepted is a 202: the bridge will do it. It says nothing about success, and
// there is nothing in it to mistake for one.
type Accepted struct {
	JobID       string
	Status      schemas.JobStatus
	TrackingURL string
	PollAfter   time.Duration
}

// Finished is a job that has reached its end.
type Finished struct {
	Job schemas.Job
	Raw json.RawMessage // the job as the bridge wrote it
}

// Succeeded reports whether the shop was changed as asked.
func (f Finished) Succeeded() bool { return f.Job.Status == schemas.Succeeded }

// Refusal is an error answer of the bridge, or of something before it: then its
// problem has no error_code. One of the token endpoint has a word of RFC 6749
// there. RetryAfter is zero when the answer named no time.
type Refusal struct {
	Status     int
	Header     http.Header
	Problem    schemas.Problem
	RetryAfter time.Duration
	// AfterLoss says that the same request was sent before and not answered:
	// the refusal is of this sending, that one may have been accepted.
	AfterLoss bool
}

// Error tells the refusal with its rule and fix, as an agent should read it.
func (r *Refusal) Error() string {
	text := fmt.Sprintf("the bridge answered %d %s: %s", r.Status, r.Problem.ErrorCode, r.Problem.Detail)
	if r.Problem.Rule != "" {
		text += " [" + r.Problem.Rule + "]"
	}
	if r.Problem.Fix != "" {
		text += " " + r.Problem.Fix
	}
	return text
}

// read sorts an answer by status.
func read(op bridge.Operation, requestID string, a answer) (Response, error) {
	response := Response{Status: a.status, Header: a.header, RequestID: requestID}
	switch {
	case a.status != http.StatusOK && a.status != http.StatusAccepted:
		return response, refusal(a)
	case !json.Valid(a.body) || (a.status == http.StatusAccepted) && !op.Write:
		return response, fmt.Errorf("the bridge answered %d to %s with a body that is not the contract's", a.status, op.Name)
	}
	response.Body = a.body
	if !op.Write {
		return response, nil
	}
	if a.status == http.StatusAccepted {
		accepted, err := readAcceptance(a.body)
		response.Accepted = accepted
		return response, err
	}
	job, err := readJob(a.body)
	if err == nil && !job.Status.Terminal() {
		err = fmt.Errorf("the bridge answered 200 to a write whose job is %s", job.Status)
	}
	if err != nil {
		return response, err
	}
	response.Finished = &Finished{Job: job, Raw: a.body}
	return response, nil
}

// readAcceptance refuses a 202 that claims any business result.
func readAcceptance(body []byte) (*Accepted, error) {
	var wire struct {
		JobID            string            `json:"job_id"`
		Status           schemas.JobStatus `json:"status"`
		BusinessSuccess  *bool             `json:"business_success"`
		TrackingURL      string            `json:"tracking_url"`
		PollAfterSeconds int               `json:"poll_after_seconds"`
	}
	if err := json.Unmarshal(body, &wire); err != nil {
		return nil, fmt.Errorf("the 202 cannot be read: %w", err)
	}
	if wire.BusinessSuccess != nil || wire.Status.Terminal() || wire.JobID == "" {
		return nil, fmt.Errorf("the 202 for job %q claims an end; accepted is not success", wire.JobID)
	}
	return &Accepted{
		JobID: wire.JobID, Status: wire.Status, TrackingURL: wire.TrackingURL,
		PollAfter: time.Duration(wire.PollAfterSeconds) * time.Second,
	}, nil
}

func readJob(body []byte) (schemas.Job, error) {
	var job schemas.Job
	if err := json.Unmarshal(body, &job); err != nil || job.JobID == "" || job.Status == "" {
		return job, fmt.Errorf("the answer is no job: %.80q", body)
	}
	return job, nil
}

func refusal(a answer) *Refusal {
	r := &Refusal{Status: a.status, Header: a.header, RetryAfter: retryAfter(a.header), AfterLoss: a.afterLoss}
	if err := json.Unmarshal(a.body, &r.Problem); err != nil || r.Problem.ErrorCode == "" {
		// Not written by a bridge: a proxy, or something else at that address.
		r.Problem = schemas.Problem{Status: a.status, Detail: fmt.Sprintf("%.200q", a.body)}
	}
	return r
}

// retryAfter reads whole seconds; the bridge sends no dates.
func retryAfter(header http.Header) time.Duration {
	seconds, err := strconv.Atoi(header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, 24*3600)) * time.Second
}
