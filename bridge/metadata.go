package bridge

import (
	"encoding/json"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/prestashop-bridge/bridge/auth"
)

// How a client proves who it is at the token endpoint, by the names registered
// for token_endpoint_auth_method (RFC 7591 §2).
const (
	AuthSecret  = "client_secret_basic" // or the same secret in the form
	AuthKey     = "private_key_jwt"     // RFC 7523 §2.2
	AuthNothing = "none"                // a public client, known by PKCE alone
)

const (
	maxClientName   = 80 // characters
	maxRedirectURIs = 20
	maxRedirectURI  = 512 // bytes
)

// ClientMetadata is what is registered of a client beside its id, its secrets
// and its limits, under the names of RFC 7591 §2: an operator's flags and a
// client's own metadata document say the same things in the same form.
type ClientMetadata struct {
	Name string `json:"client_name,omitempty"`
	// RedirectURIs make it a client that people log in to; without any it acts
	// on its own. The two kinds have grants of their own.
	RedirectURIs []string `json:"redirect_uris,omitempty"`
	// AuthMethod is one of the Auth constants; "" means AuthSecret.
	AuthMethod string          `json:"token_endpoint_auth_method,omitempty"`
	Keys       json.RawMessage `json:"jwks,omitempty"`
	KeysURI    string          `json:"jwks_uri,omitempty"`
}

// Public reports whether the client has nothing to prove itself with.
func (m ClientMetadata) Public() bool { return m.AuthMethod == AuthNothing }

// ForPeople reports whether people log in to the client.
func (m ClientMetadata) ForPeople() bool { return len(m.RedirectURIs) > 0 }

// Check refuses metadata that does not hold together; CodeInvalidRequest.
func (m ClientMetadata) Check() error {
	wrong := func(format string, args ...any) error { return Fault(CodeInvalidRequest, nil, format, args...) }
	if utf8.RuneCountInString(m.Name) > maxClientName || !printable(m.Name) {
		return wrong("A client's name has at most %d printable characters.", maxClientName)
	}
	if len(m.RedirectURIs) > maxRedirectURIs {
		return wrong("A client has at most %d redirect URIs.", maxRedirectURIs)
	}
	for _, uri := range m.RedirectURIs {
		if err := CheckRedirectURI(uri); err != nil {
			return err
		}
	}
	switch m.AuthMethod {
	case "", AuthSecret:
	case AuthNothing:
		if !m.ForPeople() {
			return wrong("A public client can do nothing on its own: give it redirect URIs.")
		}
	case AuthKey:
		return m.checkKeys()
	default:
		return wrong("A client authenticates by %s, %s or %s.", AuthSecret, AuthKey, AuthNothing)
	}
	if m.Keys != nil || m.KeysURI != "" {
		return wrong("Keys belong to clients that authenticate by %s.", AuthKey)
	}
	return nil
}

func (m ClientMetadata) checkKeys() error {
	if (m.Keys != nil) == (m.KeysURI != "") {
		return Fault(CodeInvalidRequest, nil, "%s needs either jwks or jwks_uri.", AuthKey)
	}
	if m.KeysURI != "" {
		u, err := url.Parse(m.KeysURI)
		if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "" || len(m.KeysURI) > maxRedirectURI {
			return Fault(CodeInvalidRequest, nil, "jwks_uri is an https URL without user or fragment.")
		}
		return nil
	}
	if _, err := auth.ParseWebKeys(m.Keys); err != nil {
		return Fault(CodeInvalidRequest, err, "jwks cannot be used: %v.", err)
	}
	return nil
}

// printable keeps line breaks, controls and the signs that turn the direction
// of writing out of what people are shown.
func printable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}

// schemesOfOthers are schemes a browser acts on itself, or that never stay on
// the device: no app can own them.
var schemesOfOthers = []string{
	"about", "blob", "chrome", "data", "file", "filesystem", "ftp", "intent", "javascript", "mailto", "sms", "tel", "vbscript", "view-source", "ws", "wss",
}

// CheckRedirectURI refuses a redirect URI that no client may register: it is
// absolute, without user, fragment or anything but printable ASCII, and https,
// http on a loopback host, or an app's own scheme (RFC 6749 §3.1.2, RFC 8252
// §7, RFC 9700 §2.1).
func CheckRedirectURI(text string) error {
	wrong := func(why string) error {
		return Fault(CodeInvalidRequest, nil, "A redirect URI %s.", why)
	}
	outside := func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\"<>\\^`{|}", r) }
	if len(text) > maxRedirectURI || strings.ContainsFunc(text, outside) {
		return wrong("has at most " + strconv.Itoa(maxRedirectURI) + " printable ASCII characters that stand in URIs")
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" || strings.Contains(text, "#") || u.User != nil || strings.Contains(u.Host, "@") {
		return wrong("is absolute, without user and without fragment")
	}
	switch {
	case u.Scheme == "https":
		if u.Hostname() == "" {
			return wrong("names a host")
		}
	case u.Scheme == "http":
		if !loopbackHost(u.Hostname()) {
			return wrong("is https; plain http is for 127.0.0.1, [::1] and localhost")
		}
	case slices.Contains(schemesOfOthers, u.Scheme):
		return wrong("is https, http on a loopback address, or of an app's own scheme")
	}
	return nil
}

func loopbackHost(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback() && addr.Zone() == "" && !addr.Is4In6()
}

// RedirectMatches reports whether a redirect URI that was sent is the one that
// is registered: letter by letter (RFC 9700 §2.1), but for the port of a
// loopback address, which an app on the person's own machine is given anew
// each time (RFC 8252 §7.3).
func RedirectMatches(registered, sent string) bool {
	if registered == sent {
		return true
	}
	u, err := url.Parse(registered)
	if err != nil || u.Scheme != "http" || !loopbackHost(u.Hostname()) {
		return false
	}
	host := u.Hostname()
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	after, sameHost := strings.CutPrefix(sent, "http://"+host)
	if !sameHost {
		return false
	}
	if digits, hasPort := strings.CutPrefix(after, ":"); hasPort {
		end := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' })
		if end < 0 {
			end = len(digits)
		}
		if port, err := strconv.ParseUint(digits[:end], 10, 16); err != nil || port == 0 {
			return false
		}
		after = digits[end:]
	}
	rest := strings.TrimPrefix(registered, "http://"+u.Host)
	return after == rest && (rest == "" || rest[0] == '/' || rest[0] == '?')
}
