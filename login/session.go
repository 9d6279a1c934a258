package login

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
)

const (
	// sessionLife is absolute: it covers the few minutes in which somebody
	// connects an app, or two.
	sessionLife = 15 * time.Minute
	// sessionPlace ties the sealed cookie to its use.
	sessionPlace = "login session"
)

// session is what the cookie holds, sealed: nothing is kept on this side, so
// any node can serve any page. An anonymous one only has Secret.
type session struct {
	Name        string    `json:"name,omitempty"`
	Fingerprint string    `json:"fingerprint,omitempty"` // of the password then
	Secret      string    `json:"secret"`                // signs this browser's forms
	Ends        time.Time `json:"ends"`
}

// of reports whether the session is the account's: still there, and its
// password the one that was given.
func (s session) of(a bridge.Account) bool {
	return a.RemovedAt == nil && s.Name == a.Name && s.Fingerprint == fingerprint(a)
}

func fingerprint(a bridge.Account) string { return auth.TokenHash(a.PasswordHash)[:16] }

// sign makes the token of a form. It is bound to the browser and to the very
// request that the page shows, so that consent to one request is none to
// another. What is signed is what the query says: template and browser may
// each spell it in their own way.
func (s session) sign(query string) string {
	mac := hmac.New(sha256.New, []byte(s.Secret))
	if parameters, err := url.ParseQuery(query); err == nil {
		query = parameters.Encode()
	}
	mac.Write([]byte(query))
	return hex.EncodeToString(mac.Sum(nil))
}

func (s session) signed(query, token string) bool {
	return s.Secret != "" && hmac.Equal([]byte(s.sign(query)), []byte(token))
}

// sessions reads and writes the cookie.
type sessions struct {
	sealer *auth.Sealer
	secure bool
	now    func() time.Time
}

// name has the prefix that binds the cookie to this host and to https (RFC
// 6265bis §4.1.3.2), where there is https.
func (s sessions) name() string {
	if s.secure {
		return "__Host-bridge-login"
	}
	return "bridge-login"
}

// read gives the browser's session; the zero one when there is none that
// counts.
func (s sessions) read(r *http.Request) session {
	cookies := r.CookiesNamed(s.name())
	if len(cookies) != 1 {
		return session{}
	}
	raw, err := s.sealer.Open(cookies[0].Value, sessionPlace)
	if err != nil {
		return session{}
	}
	var known session
	if json.Unmarshal([]byte(raw), &known) != nil || !s.now().Before(known.Ends) {
		return session{}
	}
	return known
}

// start logs somebody in, under a new secret: one that was planted in the
// browser before is worth nothing.
func (s sessions) start(w http.ResponseWriter, a bridge.Account) {
	s.write(w, session{Name: a.Name, Fingerprint: fingerprint(a), Secret: auth.NewSecret(), Ends: s.now().Add(sessionLife)})
}

// renew begins an anonymous session.
func (s sessions) renew(w http.ResponseWriter) session {
	fresh := session{Secret: auth.NewSecret(), Ends: s.now().Add(sessionLife)}
	s.write(w, fresh)
	return fresh
}

// drop logs out.
func (s sessions) drop(w http.ResponseWriter) { s.cookie(w, "", -1) }

func (s sessions) write(w http.ResponseWriter, fresh session) {
	raw, err := json.Marshal(fresh)
	if err != nil {
		panic("login: a struct of strings did not marshal: " + err.Error())
	}
	s.cookie(w, s.sealer.Seal(string(raw), sessionPlace), int(sessionLife.Seconds()))
}

// cookie is Lax and not Strict, or a browser that comes from the app would
// seem to be logged out.
func (s sessions) cookie(w http.ResponseWriter, value string, age int) {
	http.SetCookie(w, &http.Cookie{
		Name: s.name(), Value: value, Path: "/", MaxAge: age, Secure: s.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}
