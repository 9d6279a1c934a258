package rest

import (
	"encoding/json"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"unicode/utf8"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// maxParameters and maxParameterName bound what of a query comes back in an
// error.
const (
	maxParameters    = 10
	maxParameterName = 40
)

// plainNumber is a number as JSON writes one. Anything else in a path stays
// text, and the schema says what it thinks of it.
var plainNumber = regexp.MustCompile(`^(0|[1-9][0-9]*)$`)

// arguments makes the JSON object that the hub validates: the body of a write,
// the path's one value for a read. No operation has query parameters and no
// read has a body; one that is sent would be ignored, and what is ignored is
// misunderstood.
func arguments(v *visit) error {
	if v.query != "" {
		return unknownParameters(v.query)
	}
	if v.op.Write {
		return nil
	}
	if len(v.body) > 0 {
		return bridge.Fault(bridge.CodeInvalidRequest, nil, "A %s request to this route has no body.", v.op.Method)
	}
	var value any = v.value
	if plainNumber.MatchString(v.value) {
		value = json.Number(v.value)
	}
	raw, err := json.Marshal(map[string]any{v.op.PathKey: value})
	if err != nil {
		return bridge.Fault(bridge.CodeInternal, err, "The path cannot be read.")
	}
	v.arguments = raw
	return nil
}

// parameters reads a resource's query; which of them there are, and what they
// may say, is the hub's to judge.
func parameters(v *visit) error {
	if !v.takes && len(v.body) > 0 {
		return bridge.Fault(bridge.CodeInvalidRequest, nil, "A %s request to this route has no body.", v.op.Method)
	}
	var err error
	v.params, err = queryOf(v.call)
	return err
}

// queryOf reads the query of a resource, where every fault of a value is a 422.
func queryOf(c *call) (url.Values, error) {
	values, err := url.ParseQuery(c.query)
	if err == nil {
		return values, nil
	}
	fault := bridge.Fault(bridge.CodeInvalidFields, nil, "The query cannot be read.")
	fault.Fields = []schemas.FieldError{schemas.Say("query", "format", "must be name=value pairs, percent-encoded, joined by &", "必须是以 & 连接、经百分号编码的 name=value")}
	return nil, fault
}

// unknownParameters names the parameters and never their values, which may
// hold a token somebody put there.
func unknownParameters(query string) error {
	// A query that does not parse still gives the pairs that do.
	parsed, _ := url.ParseQuery(query)
	fault := bridge.Fault(bridge.CodeInvalidRequest, nil, "This route takes no query parameters.")
	fault.Fix = "Send the request again without a query."
	for i, name := range slices.Sorted(maps.Keys(parsed)) {
		if i == maxParameters {
			break
		}
		fault.Fields = append(fault.Fields, schemas.FieldError{
			Pointer: clipName(name), Keyword: "additionalProperties", Message: "unknown query parameter; leave it out",
		})
	}
	return fault
}

func clipName(name string) string {
	if utf8.RuneCountInString(name) <= maxParameterName {
		return name
	}
	return string([]rune(name)[:maxParameterName-1]) + "…"
}
