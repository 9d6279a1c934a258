package prestashop

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"

	"github.com/prestashop-bridge/bridge/bridge"
)

// complaint is one entry of the webservice's error body.
type complaint struct {
	Code    number `json:"code" xml:"code"`
	Message text   `json:"message" xml:"message"`
}

// The webservice's error codes that mean more than "refused".
const (
	codeServiceOff      = 22 // 503: webservice switched off (recording 715)
	codeNoMethodRight   = 25 // 405: the key lacks the method (recording 062)
	codeNoResourceRight = 26 // 401: the key lacks the resource (recording 061)
	codeNotSaved        = 46 // 500: also when only the mail failed (recording 508)
	codeValidation      = 85 // 400: a field, but also an association after the save
	codeAssociation     = 86 // 400: an association, after the entity was saved
	codeBadImage        = 76 // 400: an image that cannot be taken (recordings 435, 438)
	lastPHPCode         = 15 // 2 to 15 are PHP's own warnings; they quote server paths
)

// refusal sorts an answer that is not 2xx by what it means for the shop's
// state.
func refusal(out call, a answer) error {
	said, spoken := firstComplaint(a)
	switch {
	case a.status == http.StatusServiceUnavailable && said.Code == codeServiceOff:
		return outage{&bridge.ShopError{
			Fault: bridge.Unreached, Code: bridge.CodeShopUnavailable,
			Message: "The shop's webservice is switched off.",
			Fix:     "Switch the webservice on in the shop's back office (Advanced Parameters, Webservice).",
		}}
	case a.status == http.StatusUnauthorized || a.status == http.StatusForbidden && spoken:
		return badKey(out, said)
	case a.status == http.StatusMethodNotAllowed && said.Code == codeNoMethodRight:
		return badKey(out, said)
	case a.status == http.StatusRequestEntityTooLarge:
		return &bridge.ShopError{
			Fault: bridge.Refused, Code: bridge.CodeUnprocessable,
			Message: "The web server in front of the shop refuses a body this large.",
			Fix:     "Send less, or raise the server's limit (nginx: client_max_body_size).",
		}
	case a.status == http.StatusNotFound && (spoken || len(a.body) == 0 && !out.writes()):
		return missing(out)
	case a.status/100 == 4 && spoken && !afterSave(out, said):
		return &bridge.ShopError{
			Fault: bridge.Refused, Code: bridge.CodeUnprocessable,
			Message: fmt.Sprintf("The shop refused the change: %s (%d).", strings.TrimSuffix(string(said.Message), "."), said.Code),
		}
	case a.status/100 == 3:
		return unexpected(out, a, said, "The shop answered with a redirect; the shop URL is probably not the shop's own domain.")
	case spoken || a.status/100 == 5:
		return unexpected(out, a, said, fmt.Sprintf("The shop failed with status %d.", a.status))
	}
	return unexpected(out, a, said, fmt.Sprintf("Status %d came from something that is not the shop's webservice.", a.status))
}

// unexpected is an answer that says nothing certain: harmless to a read,
// unclear for a write. A failure the shop words itself is no outage; a read of
// that kind is unclear too, so that a job which meets it every time uses up
// its attempts instead of waiting for a shop that is there.
func unexpected(out call, a answer, said complaint, message string) error {
	fault := unreached(message, &statusError{status: a.status, code: int(said.Code)})
	if out.writes() || said.Code != 0 {
		fault.Fault = bridge.Unclear
	}
	if said.Code != 0 || out.writes() && a.status == http.StatusInternalServerError {
		return fault
	}
	return outage{fault}
}

// statusError remembers what the shop answered, for the log and for the one
// case where it matters: 500/46.
type statusError struct{ status, code int }

func (e *statusError) Error() string { return fmt.Sprintf("HTTP %d, shop code %d", e.status, e.code) }

// afterSave reports whether the shop had saved the entity before it refused:
// associations are stored after it, with no transaction around both.
func afterSave(out call, said complaint) bool {
	if !out.writes() || out.resource != "products" {
		return false
	}
	return said.Code == codeAssociation || said.Code == codeValidation && !strings.HasPrefix(string(said.Message), "Validation error")
}

// badKey names what the key lacks.
func badKey(out call, said complaint) error {
	fault := &bridge.ShopError{
		Fault: bridge.Refused, Code: bridge.CodeShopRefused,
		Message: "The shop refuses the webservice key: it is wrong, disabled or was not passed on by the web server.",
		Fix:     "Check PRESTASHOP_WS_KEY, and that the shop's server passes the Authorization header on.",
	}
	resource, _, _ := strings.Cut(out.resource, "/")
	if said.Code == codeNoMethodRight || said.Code == codeNoResourceRight {
		fault.Message = fmt.Sprintf("The webservice key has no right to %s %s.", out.method, resource)
		fault.Cause = bridge.ErrNoRight
		fault.Fix = fmt.Sprintf("Grant the key %s on %s in the shop's back office.", out.method, resource)
	}
	return fault
}

// missing is an id the shop does not have.
func missing(out call) error {
	name := strings.TrimSuffix(out.resource, "s")
	return &bridge.ShopError{
		Fault: bridge.NotFound, Code: bridge.CodeNotFound,
		Message: fmt.Sprintf("%s %d does not exist in the shop", strings.ReplaceAll(name, "_", " "), out.id),
	}
}

func unreached(message string, cause error) *bridge.ShopError {
	return &bridge.ShopError{Fault: bridge.Unreached, Code: bridge.CodeShopUnavailable, Message: message, Cause: cause}
}

// unreadable is a 2xx whose body is not what was asked for: a maintenance
// page, a truncated document. A write it answers may have happened.
func unreadable(out call, cause error) error {
	fault := unreached("The shop's answer cannot be read.", cause)
	if out.writes() {
		fault.Fault = bridge.Unclear
	}
	return fault
}

// refused is a refusal of the bridge's own, found by reading the shop.
func refused(code bridge.Code, format string, args ...any) *bridge.ShopError {
	return &bridge.ShopError{Fault: bridge.Refused, Code: code, Message: fmt.Sprintf(format, args...)}
}

// maxComplaint bounds a message of the shop: it names every field there is
// when one is unknown (recording 044).
const maxComplaint = 300

// firstComplaint finds the first error of the shop's own, past PHP's
// warnings; spoken is false when there is none.
func firstComplaint(a answer) (said complaint, spoken bool) {
	for _, c := range complaints(a) {
		if c.Code > lastPHPCode {
			if runes := []rune(string(c.Message)); len(runes) > maxComplaint {
				c.Message = text(runes[:maxComplaint]) + "…"
			}
			return c, true
		}
	}
	return complaint{}, false
}

// complaints reads an error body in either form.
func complaints(a answer) []complaint {
	body := bytes.TrimSpace(a.body)
	if bytes.HasPrefix(body, []byte("{")) {
		var doc struct {
			Errors []complaint `json:"errors"`
		}
		if json.Unmarshal(body, &doc) != nil {
			return nil
		}
		return doc.Errors
	}
	if !bytes.HasPrefix(body, []byte("<?xml")) {
		return nil
	}
	var doc struct {
		XMLName xml.Name    `xml:"prestashop"`
		Errors  []complaint `xml:"errors>error"`
	}
	if xml.Unmarshal(body, &doc) != nil {
		return nil
	}
	return doc.Errors
}
