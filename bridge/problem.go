package bridge

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/prestashop-bridge/bridge/schemas"
)

// problemURN begins the type of every problem (RFC 9457 §3.1.1). It names the
// code and is no address to open.
const problemURN = "urn:bridge:error:"

// wholeBody is the key in errors of a fault that belongs to no single field.
const wholeBody = "body"

// Problem is the error body every HTTP route answers, with the sentences of
// field errors in the language of an Accept-Language value ("" for English).
func (e *Error) Problem(language, requestID string) schemas.Problem {
	row := e.Code.Row()
	return schemas.Problem{
		Type: problemURN + string(row.Code), Title: row.Title, Status: row.Status, Detail: e.Message, Code: row.Status,
		Errors: e.texts(language), ErrorCode: string(row.Code), Rule: e.Rule, Fix: e.PublicFix(),
		RequestID: requestID, Job: e.embeddedJob(),
	}
}

// FromProblem is the table of problems run backwards: the error that another
// bridge has told. A code that this version does not know becomes the plainest
// one of its status; message, fix and rule stay.
func FromProblem(p schemas.Problem, retryAfter time.Duration) *Error {
	fault := &Error{Code: knownCode(p), Message: p.Detail, Fix: p.Fix, Rule: p.Rule, RetryAfter: retryAfter, Job: p.Job}
	for _, pointer := range slices.Sorted(maps.Keys(p.Errors)) {
		for _, text := range p.Errors[pointer] {
			if pointer == wholeBody {
				pointer = ""
			}
			fault.Fields = append(fault.Fields, schemas.FieldError{Pointer: pointer, Message: text})
		}
	}
	return fault
}

func knownCode(p schemas.Problem) Code {
	for _, row := range Codes {
		if string(row.Code) == p.ErrorCode {
			return row.Code
		}
	}
	switch {
	case p.Status == http.StatusTooManyRequests:
		return CodeRateLimited
	case p.Status == http.StatusServiceUnavailable:
		return CodeBridgeUnavailable
	case p.Status >= 400 && p.Status < 500:
		return CodeInvalidRequest
	}
	return CodeInternal
}

// texts groups the sentences of field errors by field.
func (e *Error) texts(language string) map[string][]string {
	grouped := map[string][]string{}
	for _, field := range e.Fields {
		name := field.Pointer
		if name == "" {
			name = wholeBody
		}
		grouped[name] = append(grouped[name], field.Text(language))
	}
	return grouped
}

// embeddedJob leaves out a job that is no JSON: it must not cost the answer.
func (e *Error) embeddedJob() json.RawMessage {
	if !json.Valid(e.Job) {
		return nil
	}
	return e.Job
}

// RetryAdvice is when to come back: always told with 429 and 503, with any
// other status when the fault knows it, and zero when waiting is no help.
func (e *Error) RetryAdvice() time.Duration {
	if e.RetryAfter > 0 {
		return e.RetryAfter
	}
	return e.Code.RetryAdvice()
}

// RetryAdvice is the wait for a fault that brings none of its own.
func (c Code) RetryAdvice() time.Duration {
	switch c.Row().Status {
	case http.StatusTooManyRequests:
		return time.Second // until the next request of a window may pass
	case http.StatusServiceUnavailable:
		return 5 * time.Second // until something that is away is asked again
	}
	return 0
}
