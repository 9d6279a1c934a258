package tools

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/prestashop-bridge/bridge/bridge"
)

// answered is the result of a call that was not refused: one line for the
// model, and the answer itself as structured content.
func answered(answer bridge.Answer) *mcp.CallToolResult {
	body := answer.Body
	if answer.Acceptance != nil {
		body = answer.Acceptance
	}
	raw, err := encode(body)
	if err != nil {
		return refused(bridge.Fault(bridge.CodeInternal, err, "The answer cannot be written."))
	}
	return result(headline(body), raw)
}

// refused is the result of a call that was refused or failed.
func refused(fault *bridge.Error) *mcp.CallToolResult {
	raw, err := encode(newRefusal(fault))
	if err != nil { // only a broken fault.Job can
		fault.Job = nil
		raw, _ = encode(newRefusal(fault))
	}
	failed := result(refusalLine(fault), raw)
	failed.IsError = true
	return failed
}

func result(line string, raw json.RawMessage) *mcp.CallToolResult {
	return &mcp.CallToolResult{
		Content:           []mcp.Content{mcp.NewTextContent(line)},
		StructuredContent: raw,
	}
}

// withStructured is the first revision whose clients read structured content.
const withStructured = "2025-06-18"

// copies reports whether a client of this protocol revision, "" for one that
// named none, is also given the structured content as text. Newer clients are
// not, although they SHOULD be (2025-11-25, Structured Content): it would be
// every answer twice, and the shop's words where a model looks for ours.
func (d *Door) copies(revision string) bool { return d.JSONText || revision < withStructured }

// inText puts the structured content beside the line.
func inText(r *mcp.CallToolResult) {
	if raw, ok := r.StructuredContent.(json.RawMessage); ok {
		r.Content = append(r.Content, mcp.NewTextContent(string(raw)))
	}
}

// refusal is the structured content of a result with isError.
type refusal struct {
	ErrorCode         bridge.Code     `json:"error_code"`
	Message           string          `json:"message"`
	Rule              string          `json:"rule,omitempty"`
	Fix               string          `json:"fix"`
	Errors            []refusedField  `json:"errors"`
	RetryAfterSeconds int             `json:"retry_after_seconds,omitempty"`
	Job               json.RawMessage `json:"job,omitempty"`
}

type refusedField struct {
	Pointer string `json:"pointer"`
	Message string `json:"message"`
}

func newRefusal(fault *bridge.Error) refusal {
	r := refusal{
		ErrorCode: fault.Code.Row().Code, Message: fault.Message, Rule: fault.Rule, Fix: fault.PublicFix(),
		Errors: []refusedField{}, RetryAfterSeconds: wholeSeconds(fault.RetryAdvice()), Job: fault.Job,
	}
	for _, f := range fault.Fields {
		r.Errors = append(r.Errors, refusedField{Pointer: f.Pointer, Message: f.Message})
	}
	return r
}

// wholeSeconds rounds up, so that nobody comes back too early.
func wholeSeconds(wait time.Duration) int { return int(math.Ceil(wait.Seconds())) }

// quoting are the codes whose message may quote the shop: its complaint about a
// change, or a name somebody gave to a status of the shop's own.
var quoting = []bridge.Code{
	bridge.CodeUnprocessable, bridge.CodeImpossibleTransition, bridge.CodeShopRefused, bridge.CodeShopUnavailable,
	bridge.CodeOutcomeUnknown, bridge.CodeAttemptsExhausted,
}

// refusalLine is a refusal in one line of text, in words of our own: where the
// message may quote the shop it stays in the structured content, for the reason
// headline gives.
func refusalLine(fault *bridge.Error) string {
	row, said := fault.Code.Row(), fault.Message
	if slices.Contains(quoting, row.Code) {
		said = row.Title + " (see message)"
	}
	return oneLine(fmt.Sprintf("%s: %s – %s", row.Code, said, fault.PublicFix()))
}

// maxLine is how many characters of a message the text line shows.
const maxLine = 500

// oneLine keeps a text line a line: a message may quote what was sent to us.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	if utf8.RuneCountInString(text) <= maxLine {
		return text
	}
	return string([]rune(text)[:maxLine-1]) + "…"
}

// encode writes JSON as people read it, with & and < as they are.
func encode(body any) (json.RawMessage, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(body); err != nil {
		return nil, err
	}
	return bytes.TrimRight(out.Bytes(), "\n"), nil
}
