package schemas

import "encoding/json"

// Problem is the one error body of every route: RFC 9457 members plus code
// and errors, which make it Youhaosuda's envelope too.
type Problem struct {
	Type      string              `json:"type"`
	Title     string              `json:"title"`
	Status    int                 `json:"status"`
	Detail    string              `json:"detail"`
	Code      int                 `json:"code"`
	Errors    map[string][]string `json:"errors"`
	ErrorCode string              `json:"error_code"`
	Rule      string              `json:"rule,omitempty"`
	Fix       string              `json:"fix"`
	RequestID string              `json:"request_id,omitempty"`
	Job       json.RawMessage     `json:"job,omitempty"`
}

// MarshalJSON writes an object for errors even when no field is at fault.
func (p Problem) MarshalJSON() ([]byte, error) {
	type plain Problem
	p.Errors = nonNilMap(p.Errors)
	return json.Marshal(plain(p))
}

// FieldError is one fault of a payload: a JSON pointer (RFC 6901), the schema
// keyword or check that failed, and a sentence that says what is allowed.
type FieldError struct {
	Pointer string `json:"pointer"`
	Keyword string `json:"keyword"`
	Message string `json:"message"`
	zh      string // the sentence in Chinese, for Text
}
