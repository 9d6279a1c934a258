package login

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
)

// Path is the authorization endpoint.
const Path = "/oauth/authorize"

const (
	maxQuery = 8 << 10
	maxForm  = 4 << 10
	// parallelHashes bounds the processor time that passwords can cost at once.
	parallelHashes = 2
)

// passwordLimits are tries a minute. A person mistypes a few times; a name is
// limited wherever the tries come from, at the price that whoever knows it can
// keep its owner from logging in (not from what is granted already).
var passwordLimits = auth.AttemptLimits{Pair: 5, Source: 20, Name: 20}

// Door serves the pages of one deployment. Every field is required but Sources.
type Door struct {
	Grantor *bridge.Grantor
	// Sealer seals the login cookie; all nodes have the same.
	Sealer *auth.Sealer
	// BaseURL is the issuer, as in the tokens.
	BaseURL string
	// Shop is what the pages call the shop that a client works on.
	Shop func(bridge.Client) string
	// Sources are the networks that may log in.
	Sources auth.Sources
	// Record takes the receipt of each request: Desk.Record.
	Record func(context.Context, bridge.Receipt)
	Now    func() time.Time
	Log    *slog.Logger
}

// Handler serves Path and nothing else.
func (d *Door) Handler() http.Handler {
	return &endpoint{
		Door: d, attempts: auth.NewAttempts(passwordLimits, d.Now), hashing: make(chan struct{}, parallelHashes),
		sessions: sessions{sealer: d.Sealer, secure: strings.HasPrefix(d.BaseURL, "https://"), now: d.Now},
	}
}

type endpoint struct {
	*Door
	attempts *auth.Attempts
	hashing  chan struct{}
	sessions sessions
}

// visit is one request of a browser.
type visit struct {
	*endpoint
	w       http.ResponseWriter
	r       *http.Request
	words   words
	session session
	receipt bridge.Receipt
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v := &visit{endpoint: e, w: w, r: r, words: wordsFor(r.Header.Get("Accept-Language"))}
	v.receipt = bridge.Receipt{Door: bridge.DoorLogin, Began: e.Now(), Method: r.Method, Route: Path, BytesIn: r.ContentLength}
	protect(w.Header())
	defer func() { e.Record(r.Context(), v.receipt) }()
	defer v.recovered()
	v.serve()
}

func (v *visit) serve() {
	switch {
	case !v.Sources.Allows(v.Sources.Address(v.r)):
		v.problem(http.StatusForbidden, bridge.CodeSourceRefused, "source")
	case v.r.URL.Path != Path:
		v.problem(http.StatusNotFound, bridge.CodeNotFound, "nothing")
	case len(v.r.URL.RawQuery) > maxQuery:
		v.problem(http.StatusBadRequest, bridge.CodeInvalidRequest, "malformed")
	case v.r.Method == http.MethodGet:
		v.session = v.sessions.read(v.r)
		v.show("")
	case v.r.Method == http.MethodPost:
		v.session = v.sessions.read(v.r)
		v.act()
	default:
		v.w.Header().Set("Allow", "GET, POST")
		v.problem(http.StatusMethodNotAllowed, bridge.CodeMethodNotAllowed, "malformed")
	}
}

// show answers with the page whose turn it is; complaint is a word about the
// one before.
func (v *visit) show(complaint string) {
	request, account, ok := v.prepare()
	switch {
	case !ok:
	case account == nil:
		v.loginPage(complaint)
	default:
		v.consentPage(request, *account, complaint)
	}
}

// prepare checks the request as far as it may be checked and finds out who is
// logged in. A client that names a metadata document has it fetched only for
// somebody who is: the address is a stranger's choice. ok is false when the
// answer has been given.
func (v *visit) prepare() (request, *bridge.Account, bool) {
	account, err := v.account()
	if err != nil {
		v.failed(err)
		return request{}, nil, false
	}
	asked, err := readRequest(v.r.URL.RawQuery)
	if err == nil {
		err = v.identify(&asked, account != nil)
	}
	if err == nil {
		err = asked.check(v.Grantor)
	}
	var refusal *bridge.Refusal
	switch {
	case err == nil:
		return asked, account, true
	case errors.As(err, &refusal) && asked.trusted:
		v.giveBack(asked, url.Values{"error": {refusal.Name}, "error_description": {refusal.Description}})
		v.receipt.Err = bridge.Fault(bridge.CodeInvalidRequest, nil, "%s", refusal.Description)
	default:
		v.failed(err)
	}
	return request{}, nil, false
}

// account is the operator who is logged in; nil for nobody.
func (v *visit) account() (*bridge.Account, error) {
	if v.session.Name == "" {
		return nil, nil
	}
	account, err := v.Grantor.Accounts.Account(v.r.Context(), v.session.Name)
	if err != nil || account == nil || !v.session.of(*account) {
		return nil, err
	}
	return account, nil
}

// act carries out a form.
func (v *visit) act() {
	form, err := v.readForm()
	switch {
	case err != nil:
		v.failed(err)
	case !v.ours(form):
		v.problem(http.StatusForbidden, bridge.CodeInvalidRequest, "stale")
	case form.Get("action") == "login":
		v.login(form)
	case form.Get("action") == "switch":
		v.sessions.drop(v.w)
		v.again()
	case form.Get("action") == "approve" || form.Get("action") == "deny":
		v.decide(form)
	default:
		v.problem(http.StatusBadRequest, bridge.CodeInvalidRequest, "malformed")
	}
}

func (v *visit) readForm() (url.Values, error) {
	wrong := bridge.Fault(bridge.CodeInvalidRequest, nil, "The form cannot be read.")
	if mediaType, _, _ := strings.Cut(v.r.Header.Get("Content-Type"), ";"); strings.TrimSpace(mediaType) != "application/x-www-form-urlencoded" {
		return nil, wrong
	}
	raw, err := io.ReadAll(io.LimitReader(v.r.Body, maxForm+1))
	if err != nil || len(raw) > maxForm {
		return nil, wrong
	}
	form, err := url.ParseQuery(string(raw))
	if err != nil {
		return nil, wrong
	}
	return form, nil
}

// ours reports whether a form comes from a page of ours, shown to this browser
// for this very request. Browsers that say so (Sec-Fetch-Site) must say that it
// came from here; Origin is of no use, as pages that send no referrer send
// "null" there.
func (v *visit) ours(form url.Values) bool {
	site := v.r.Header.Get("Sec-Fetch-Site")
	return (site == "" || site == "same-origin") && v.session.signed(v.r.URL.RawQuery, form.Get("token"))
}

// login checks name and password. Whether the name exists shows neither in the
// answer nor in its time.
func (v *visit) login(form url.Values) {
	name, password := form.Get("name"), form.Get("password")
	if wait, allowed := v.attempts.Take(v.Sources.Address(v.r), name); !allowed {
		v.w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
		v.problem(http.StatusTooManyRequests, bridge.CodeRateLimited, "too_many")
		return
	}
	select {
	case v.hashing <- struct{}{}:
	case <-v.r.Context().Done():
		v.failed(v.r.Context().Err())
		return
	}
	account, err := v.Grantor.SignIn(v.r.Context(), name, password)
	<-v.hashing
	switch {
	case err != nil:
		v.failed(err)
	case account == nil:
		v.receipt.Err = bridge.Fault(bridge.CodeUnauthorized, nil, "Name and password do not match.")
		v.session = v.sessions.renew(v.w)
		v.show("wrong_password")
	default:
		v.sessions.start(v.w, *account)
		v.again()
	}
}

// again sends the browser to the same request by GET, so that no password is
// sent twice by going back.
func (v *visit) again() {
	v.w.Header().Set("Location", Path+"?"+v.r.URL.RawQuery)
	v.w.WriteHeader(http.StatusSeeOther)
	v.receipt.Status = http.StatusSeeOther
}

// decide is the operator's answer on the consent page.
func (v *visit) decide(form url.Values) {
	asked, account, ok := v.prepare()
	switch {
	case !ok:
	case account == nil:
		v.loginPage("stale")
	case form.Get("action") == "deny":
		v.giveBack(asked, url.Values{"error": {"access_denied"}, "error_description": {"The operator did not agree."}})
	default:
		v.approve(asked, *account, form["scope"])
	}
}

func (v *visit) approve(asked request, account bridge.Account, chosen []string) {
	if len(chosen) == 0 || !auth.Subset(chosen, v.Grantor.Grantable(asked.scopes, asked.client, account)) {
		v.consentPage(asked, account, "choose")
		return
	}
	code, err := v.Grantor.Approve(v.r.Context(), bridge.Approval{
		Client: asked.client, Account: account, RedirectURI: asked.redirectURI, Challenge: asked.challenge,
		Scopes: auth.ParseScopes(strings.Join(chosen, " ")), Resources: asked.resources,
	})
	if err != nil {
		v.failed(err)
		return
	}
	v.giveBack(asked, url.Values{"code": {code}})
}

// giveBack sends the browser back to the client. iss tells it which server the
// answer is from (RFC 9207).
func (v *visit) giveBack(asked request, answer url.Values) {
	v.receipt.Client, v.receipt.Shop, v.receipt.Status = asked.client.Label(), asked.client.Shop, http.StatusSeeOther
	answer.Set("iss", v.BaseURL)
	if asked.state != "" {
		answer.Set("state", asked.state)
	}
	joint := "?"
	if strings.Contains(asked.redirectURI, "?") {
		joint = "&"
	}
	v.w.Header().Set("Location", asked.redirectURI+joint+answer.Encode())
	v.w.WriteHeader(http.StatusSeeOther)
}

// recovered turns a panic into a page that says nothing of it.
func (v *visit) recovered() {
	switch trouble := recover(); trouble {
	case nil:
	case http.ErrAbortHandler:
		panic(trouble)
	default:
		v.Log.ErrorContext(v.r.Context(), "panic", "route", Path, "panic", trouble, "stack", string(debug.Stack()))
		v.failed(bridge.AsError(nil))
	}
}
