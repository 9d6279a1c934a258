package webhooks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/prestashop-bridge/bridge/bridge"
)

// encode writes an event's body in a content type. JSON and plain text carry
// the object as it is. What the vendor's default form looks like is documented
// nowhere; here it is the form that PHP's http_build_query writes and PHP,
// Rails, Rack and qs read back: names by their path, as in progress[done] and
// steps[0][name], sorted; true and false as these words, null as an empty
// value, numbers with all their digits. Empty objects and arrays have no form.
func encode(contentType string, body json.RawMessage) (encoded []byte, header string, err error) {
	switch contentType {
	case bridge.ContentJSON:
		return body, contentType, nil
	case bridge.ContentText:
		return body, contentType + "; charset=utf-8", nil
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var object map[string]any
	if err := decoder.Decode(&object); err != nil {
		return nil, "", fmt.Errorf("an event's body is no JSON object: %w", err)
	}
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(object)) {
		pairs = appendPairs(pairs, name, object[name])
	}
	return []byte(strings.Join(pairs, "&")), bridge.ContentForm, nil
}

func appendPairs(pairs []string, path string, value any) []string {
	switch value := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			pairs = appendPairs(pairs, path+"["+name+"]", value[name])
		}
		return pairs
	case []any:
		for i, element := range value {
			pairs = appendPairs(pairs, path+"["+strconv.Itoa(i)+"]", element)
		}
		return pairs
	}
	return append(pairs, url.QueryEscape(path)+"="+url.QueryEscape(text(value)))
}

func text(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case json.Number:
		return value.String()
	case bool:
		return strconv.FormatBool(value)
	}
	return ""
}
