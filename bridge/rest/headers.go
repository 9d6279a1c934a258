package rest

import (
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

const (
	jsonType    = "application/json"
	problemType = "application/problem+json" // RFC 9457 §3
)

// single reads a header that security hangs on. Two values are refused
// whatever they say: a proxy in between and we might each believe another one.
func single(header http.Header, name string, code bridge.Code) (string, *bridge.Error) {
	values := header.Values(name)
	switch len(values) {
	case 0:
		return "", nil
	case 1:
		return values[0], nil
	}
	fault := bridge.Fault(code, nil, "The header %s was sent %d times; send it once.", name, len(values))
	fault.Fields = []schemas.FieldError{{Pointer: name, Keyword: "duplicate", Message: "sent more than once; send it once"}}
	return "", fault
}

// media checks what the client sends and what it is ready to read.
func media(v *visit) error {
	if v.takes && !sendsJSON(v.r.Header) {
		return bridge.Fault(bridge.CodeUnsupportedMediaType, nil, "The body must be announced as Content-Type: application/json.")
	}
	if !accepts(v.r.Header, jsonType) {
		return bridge.Fault(bridge.CodeNotAcceptable, nil, "The header Accept is required and must include application/json.")
	}
	return nil
}

// sendsJSON reports whether the body is announced as JSON, which is always
// UTF-8 (RFC 8259 §8.1); saying so is harmless, saying otherwise is not.
func sendsJSON(header http.Header) bool {
	values := header.Values("Content-Type")
	if len(values) != 1 {
		return false
	}
	mediaType, params, err := mime.ParseMediaType(values[0])
	if err != nil || mediaType != jsonType {
		return false
	}
	charset, named := params["charset"]
	return !named || strings.EqualFold(charset, "utf-8")
}

// accepts reports whether the Accept header includes the media type (RFC 9110
// §12.5.1): the most specific range that covers it decides, and q=0 excludes.
// A header that is not there includes nothing: the contract requires it.
func accepts(header http.Header, mediaType string) bool {
	family, _, _ := strings.Cut(mediaType, "/")
	best, weight := -1, 0.0
	for _, element := range strings.Split(strings.Join(header.Values("Accept"), ","), ",") {
		name, params, _ := strings.Cut(element, ";")
		precision := -1
		switch strings.ToLower(strings.TrimSpace(name)) {
		case mediaType:
			precision = 2
		case family + "/*":
			precision = 1
		case "*/*":
			precision = 0
		}
		q, valid := quality(params)
		if precision > best && valid {
			best, weight = precision, q
		}
	}
	return weight > 0
}

// quality reads the q parameter, 1 when there is none.
func quality(params string) (float64, bool) {
	for param := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(param, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "q") {
			continue
		}
		q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		return q, err == nil && q >= 0 && q <= 1
	}
	return 1, true
}

// encodingOf reads Content-Encoding: gzip, or nothing said. x-gzip is the same
// coding (RFC 9110 §8.4.1.3); a body encoded twice is not read.
func encodingOf(header http.Header) (gzipped, known bool) {
	switch strings.ToLower(strings.TrimSpace(strings.Join(header.Values("Content-Encoding"), ","))) {
	case "", "identity":
		return false, true
	case "gzip", "x-gzip":
		return true, true
	}
	return false, false
}

// encodingRefused names the one coding that is taken (RFC 9110 §12.5.3: in a
// 415, Accept-Encoding says what would have been accepted).
func encodingRefused(v *visit, format string, args ...any) error {
	v.w.Header().Set("Accept-Encoding", "gzip")
	fault := bridge.Fault(bridge.CodeUnsupportedMediaType, nil, format, args...)
	fault.Fix = "Compress the body with gzip, send Content-Encoding: gzip, and sign the hash of the compressed bytes."
	return fault
}

// gzipHint is the advice on a body that could have been compressed, in the
// form of the Warning header (code 299, RFC 7234 §5.5.7).
func gzipHint(above int64) string {
	return `299 - "gzip recommended above ` + strconv.FormatInt(above, 10) + ` bytes"`
}
