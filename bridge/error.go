package bridge

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/prestashop-bridge/bridge/schemas"
)

// Code names a fault for programs. Every code has one row in Codes.
type Code string

// The codes of the contract.
const (
	CodeSchemaViolation      Code = "schema_violation"
	CodeInvalidRequest       Code = "invalid_request"
	CodeUnauthorized         Code = "unauthorized"
	CodeInsufficientScope    Code = "insufficient_scope"
	CodeTimestampWindow      Code = "timestamp_out_of_window"
	CodeBadSignature         Code = "bad_signature"
	CodeSourceRefused        Code = "source_ip_refused"
	CodeNotFound             Code = "not_found"
	CodeMethodNotAllowed     Code = "method_not_allowed"
	CodeNotAcceptable        Code = "not_acceptable"
	CodeIdempotencyConflict  Code = "idempotency_conflict"
	CodeKnownFailedReplay    Code = "known_failed_replay"
	CodePayloadTooLarge      Code = "payload_too_large"
	CodeUnsupportedMediaType Code = "unsupported_media_type"
	CodePolicyRefused        Code = "policy_refused"
	CodeImpossibleTransition Code = "impossible_transition"
	CodeUnprocessable        Code = "unprocessable"
	CodeInvalidFields        Code = "invalid_fields"
	CodeRateLimited          Code = "rate_limited"
	CodeInternal             Code = "internal_error"
	CodeShopUnavailable      Code = "shop_unavailable"
	CodeShopRefused          Code = "shop_refused"
	CodeShopUnknown          Code = "shop_unknown"
	CodeQueueUnavailable     Code = "queue_unavailable"
	CodeStoreUnavailable     Code = "store_unavailable"
	CodeOverloaded           Code = "overloaded"
	CodeBridgeUnavailable    Code = "bridge_unavailable"
	CodeOutcomeUnknown       Code = "outcome_unknown"
	CodeAttemptsExhausted    Code = "attempts_exhausted"
)

// CodeRow is what a code means at the doors: its HTTP status, its title
// (RFC 9457) and the fix shown when the error brings none of its own. MCP
// shows code, rule and fix in a tool result with isError.
type CodeRow struct {
	Code   Code
	Status int
	Title  string
	Fix    string
}

// Codes is the one mapping from codes to the doors and to docs/errors.md.
var Codes = []CodeRow{
	{CodeSchemaViolation, http.StatusBadRequest, "The payload does not match its schema", "Correct the fields named in errors and send the request again with the same request id."},
	{CodeInvalidRequest, http.StatusBadRequest, "The request is not well formed", "Correct what detail names and send the request again."},
	{CodeUnauthorized, http.StatusUnauthorized, "No valid access token", "Fetch a new token from POST /oauth/token and send it as Authorization: Bearer."},
	{CodeInsufficientScope, http.StatusForbidden, "The client lacks the scope", "Ask the operator to grant the scope named in detail, then fetch a new token."},
	{CodeTimestampWindow, http.StatusForbidden, "X-Timestamp is outside the window", "Set the clock by NTP and sign again with the current unix time in seconds."},
	{CodeBadSignature, http.StatusForbidden, "X-Signature does not verify", "Sign METHOD, URI, TIMESTAMP, REQUEST_ID and BODY_SHA256 joined by line feeds with the HMAC secret; hash the body bytes as sent."},
	{CodeSourceRefused, http.StatusForbidden, "The source address is not allowed", "Call from an address listed in ALLOWED_SOURCE_IPS."},
	{CodeNotFound, http.StatusNotFound, "Not found", "Check the id; it must exist in the shop, and a job must be yours."},
	{CodeMethodNotAllowed, http.StatusMethodNotAllowed, "Method not allowed", "Use a method of the Allow header."},
	{CodeNotAcceptable, http.StatusNotAcceptable, "Only application/json is produced", "Send Accept: application/json."},
	{CodeIdempotencyConflict, http.StatusConflict, "The id already stands for another intention", "Use a new request id (and batch_id) for a new intention; repeat the old one only with the same payload."},
	{CodeKnownFailedReplay, http.StatusConflict, "This request's job ended without success", "Read job.error; correct the cause and send the change with a new request id."},
	{CodePayloadTooLarge, http.StatusRequestEntityTooLarge, "The payload is too large", "Split the batch: at most 10485760 bytes and 50 items."},
	{CodeUnsupportedMediaType, http.StatusUnsupportedMediaType, "Unsupported media type", "Send Content-Type: application/json, with Content-Encoding: gzip above 32768 bytes."},
	{CodePolicyRefused, http.StatusUnprocessableEntity, "Refused by a rule of the bridge", "Follow the fix of the rule; repeating the request will not help."},
	{CodeImpossibleTransition, http.StatusUnprocessableEntity, "The order cannot move to that status", "Read the order and choose a status that can follow its present one."},
	{CodeUnprocessable, http.StatusUnprocessableEntity, "The shop cannot take this change", "Change the request as detail says."},
	{CodeInvalidFields, http.StatusUnprocessableEntity, "Some values cannot be taken", "Correct the fields named in errors and send the request again."},
	{CodeRateLimited, http.StatusTooManyRequests, "Too many requests", "Wait for Retry-After seconds."},
	{CodeInternal, http.StatusInternalServerError, "Internal error", "Retry with the same request id; if it lasts, give the operator the request id."},
	{CodeShopUnavailable, http.StatusServiceUnavailable, "The shop does not answer", "Wait for Retry-After seconds and try again."},
	{CodeShopRefused, http.StatusServiceUnavailable, "The shop refuses the bridge", "The operator must check the webservice key and its rights (see README: rights per resource)."},
	{CodeShopUnknown, http.StatusServiceUnavailable, "The client's shop is not connected to the bridge", "The operator must look at bridge shops list and give the client a shop that is there."},
	{CodeQueueUnavailable, http.StatusServiceUnavailable, "The queue does not answer", "Nothing was accepted. Retry with the same request id after Retry-After seconds."},
	{CodeStoreUnavailable, http.StatusServiceUnavailable, "The database does not answer", "Retry with the same request id after Retry-After seconds."},
	{CodeOverloaded, http.StatusServiceUnavailable, "Too many large requests at once", "Nothing was accepted. Send the same request again after Retry-After seconds, fewer large ones at a time."},
	{CodeBridgeUnavailable, http.StatusServiceUnavailable, "The remote bridge gives no usable answer", "Call again with the same arguments and, for a write, the same request_id; if it lasts, the operator must look at the remote bridge."},
	{CodeOutcomeUnknown, http.StatusConflict, "It cannot be known whether the shop applied this step", "A person must compare the shop with the step's before and target, then decide."},
	{CodeAttemptsExhausted, http.StatusConflict, "All attempts failed", "Read the message, correct the cause and send the change with a new request id."},
}

// Row finds a code's row; an unknown code is an internal error.
func (c Code) Row() CodeRow {
	for _, row := range Codes {
		if row.Code == c {
			return row
		}
	}
	return CodeInternal.Row()
}

// Error is the one error type of the program. Message, Fields, Fix and Rule
// are public; the cause is for the log only.
type Error struct {
	Code       Code
	Message    string
	Fields     []schemas.FieldError
	Fix        string
	Rule       string
	RetryAfter time.Duration   // zero: none
	Job        json.RawMessage // for known_failed_replay: schemas.Job
	cause      error
}

// Error describes the fault for the log, cause included.
func (e *Error) Error() string {
	if e.cause != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Message, e.cause)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Message)
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.cause }

// PublicFix is what the caller should do next.
func (e *Error) PublicFix() string {
	if e.Fix != "" {
		return e.Fix
	}
	return e.Code.Row().Fix
}

// Fault makes an error with a public message and a cause kept for the log.
func Fault(code Code, cause error, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), cause: cause}
}

// AsError finds the program's error in a chain; anything else is an internal
// error whose text never leaves.
func AsError(err error) *Error {
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	return Fault(CodeInternal, err, "Something went wrong inside the bridge.")
}
