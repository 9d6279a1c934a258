package remote

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/bridge/rest/client"
	"github.com/prestashop-bridge/bridge/schemas"
)

// decode reads a body that the client has found to be JSON. Members this
// version does not know are left out, which is what its schemas promise.
func decode(op bridge.Operation, response client.Response, into any) error {
	if err := json.Unmarshal(response.Body, into); err != nil {
		return unusable(op, err)
	}
	return nil
}

// acceptance takes over the id and status of a 202; the words beside them are
// written anew. The client has refused one that claims an end.
func acceptance(op bridge.Operation, accepted client.Accepted) (*schemas.Acceptance, error) {
	id, err := schemas.ParseJobID(accepted.JobID)
	if err != nil || !slices.Contains(schemas.JobStatuses, accepted.Status) {
		return nil, unusable(op, errors.New("the 202 names no job or no status of one"))
	}
	return bridge.NewAcceptance(id, accepted.Status), nil
}

// replayed answers a write that was carried out before.
func replayed(op bridge.Operation, job schemas.Job) (bridge.Answer, error) {
	if _, err := schemas.ParseJobID(job.JobID); err != nil || job.Kind != op.Name {
		return bridge.Answer{}, unusable(op, errors.New("the replay is a job of another kind"))
	}
	view, err := json.Marshal(job)
	if err != nil {
		return bridge.Answer{}, unusable(op, err)
	}
	return bridge.Replay{JobID: job.JobID, Status: job.Status, View: view}.Answer()
}

// checkedJob holds a job to what was asked for and to the words of the
// contract: its status decides what a model is told.
func checkedJob(op bridge.Operation, response client.Response, id string) (schemas.Job, error) {
	var job schemas.Job
	if err := decode(op, response, &job); err != nil {
		return job, err
	}
	switch {
	case job.JobID != id:
		return job, unusable(op, errors.New("the answer is another job"))
	case !slices.Contains(schemas.JobStatuses, job.Status):
		return job, unusable(op, fmt.Errorf("no job is %.40q", job.Status))
	case job.Error != nil && !slices.ContainsFunc(bridge.Codes, func(row bridge.CodeRow) bool { return string(row.Code) == job.Error.Code }):
		// A word of a newer version: the message beside it stays.
		job.Error.Code = string(bridge.CodeInternal)
	}
	return job, nil
}

// embeddedJob is a refusal's job, written anew so that its verdict follows from
// its status; nil for what is none.
func embeddedJob(raw json.RawMessage) json.RawMessage {
	var job schemas.Job
	if len(raw) == 0 || json.Unmarshal(raw, &job) != nil || job.JobID == "" || !slices.Contains(schemas.JobStatuses, job.Status) || job.Status == schemas.Succeeded {
		return nil
	}
	view, err := json.Marshal(job)
	if err != nil {
		return nil
	}
	return view
}
