package login

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
)

//go:embed pages.html
var pagesText string

//go:embed style.css
var style string

// pages are read when the first is shown: few who start the program log in.
var pages = sync.OnceValue(func() *template.Template { return template.Must(template.New("pages").Parse(pagesText)) })

// policy lets a page do nothing but show itself in the one style that is
// named by its hash.
var policy = func() string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; frame-ancestors 'none'"
}()

// protect sets what every answer of this door carries.
func protect(header http.Header) {
	header.Set("Content-Security-Policy", policy+"; form-action 'self'")
	header.Set("X-Frame-Options", "DENY")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cache-Control", "no-store")
	header.Set("Pragma", "no-cache")
}

// page is what the template shows.
type page struct {
	Words words
	Style template.CSS
	Kind  string // login, consent or problem
	Title string
	// Action is where the forms go: this very request.
	Action    string
	Token     string
	Complaint string

	App        string // the client's name, or what stands in for it
	Host       string // of its metadata document, "" for a registered client
	Target     string // where the browser goes afterwards
	Operator   string
	Shop       string
	Scopes     []scopeRow
	Detail     string
	MayTryAnew bool
}

// scopeRow is a scope in plain words.
type scopeRow struct {
	Name, Says string
	Checked    bool
}

func (v *visit) loginPage(complaint string) {
	if v.session.Secret == "" || v.session.Name != "" {
		v.session = v.sessions.renew(v.w)
	}
	status := http.StatusOK
	if complaint == "wrong_password" {
		status = http.StatusForbidden
	}
	v.write(status, page{Kind: "login", Title: v.words["login_title"], Complaint: v.words[complaint]})
}

func (v *visit) consentPage(asked request, account bridge.Account, complaint string) {
	// No form-action here: Chromium holds the whole chain of redirects that
	// follows a form against it, and where the client goes on to after its
	// redirect URI cannot be known.
	v.w.Header().Set("Content-Security-Policy", policy)
	p := page{
		Kind: "consent", Title: v.words["consent_title"], Complaint: v.words[complaint],
		App: asked.client.Metadata.Name, Target: v.target(asked.redirectURI), Operator: account.Name, Shop: v.Shop(asked.client),
	}
	if u, err := url.Parse(asked.client.ID); err == nil && bridge.IsDocumentURL(asked.client.ID) {
		p.Host = u.Host
	}
	if p.App == "" {
		p.App = asked.client.Label()
	}
	for _, scope := range v.Grantor.Grantable(asked.scopes, asked.client, account) {
		p.Scopes = append(p.Scopes, scopeRow{Name: scope, Says: v.words[scope], Checked: scope != auth.ScopePII})
	}
	v.receipt.Client, v.receipt.Shop = asked.client.Label(), asked.client.Shop
	v.write(http.StatusOK, p)
}

// target says in words where a redirect URI leads.
func (v *visit) target(redirectURI string) string {
	u, err := url.Parse(redirectURI)
	switch {
	case err != nil:
		return ""
	case u.Scheme == "https":
		return u.Host
	case u.Scheme == "http":
		return v.words["this_computer"] + " (" + u.Host + ")"
	}
	return v.words["app_of_scheme"] + " " + u.Scheme + ":"
}

// failed answers with a page for an error of ours or of the client.
func (v *visit) failed(err error) {
	var refusal *bridge.Refusal
	if errors.As(err, &refusal) {
		code := bridge.CodeInvalidRequest
		if refusal.Name == bridge.TemporarilyUnavailable {
			code = bridge.CodeShopUnavailable
		}
		fault := bridge.Fault(code, nil, "%s", refusal.Description)
		v.problemPage(fault.Code.Row().Status, fault, v.words["refused"], refusal.Description)
		return
	}
	fault := bridge.AsError(err)
	status := fault.Code.Row().Status
	if fault.Code == bridge.CodeUnauthorized {
		// The browser is asked for nothing: it is the app that is not known.
		v.problemPage(http.StatusBadRequest, fault, v.words["unknown_client"], "")
		return
	}
	if wait := fault.RetryAdvice(); wait > 0 {
		v.w.Header().Set("Retry-After", strconv.Itoa(int(wait.Seconds())))
	}
	v.problemPage(status, fault, v.words["refused"], fault.Message)
}

func (v *visit) problem(status int, code bridge.Code, word string) {
	v.problemPage(status, bridge.Fault(code, nil, "%s", english[word]), v.words[word], "")
}

func (v *visit) problemPage(status int, fault *bridge.Error, says, detail string) {
	v.receipt.Err = fault
	again := v.r.URL.Path == Path && (status == http.StatusForbidden || status >= http.StatusTooManyRequests) && fault.Code != bridge.CodeSourceRefused
	v.write(status, page{Kind: "problem", Title: v.words["problem_title"], Complaint: says, Detail: detail, MayTryAnew: again})
}

// write renders first and sends then, so that a broken template is no half page.
func (v *visit) write(status int, p page) {
	p.Words, p.Style, p.Action, p.Token = v.words, template.CSS(style), Path+"?"+v.r.URL.RawQuery, v.session.sign(v.r.URL.RawQuery)
	var body bytes.Buffer
	if err := pages().Execute(&body, p); err != nil {
		v.Log.ErrorContext(v.r.Context(), "a page cannot be rendered", "error", err)
		status = http.StatusInternalServerError
		body.Reset()
	}
	v.receipt.Status = status
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.Header().Set("Content-Language", v.words["lang"])
	v.w.Header().Set("Vary", "Accept-Language")
	v.w.WriteHeader(status)
	_, _ = v.w.Write(body.Bytes()) // the browser may be gone
}

// wordsFor picks the language that a browser names first among those there are.
func wordsFor(accept string) words {
	for tag := range strings.SplitSeq(accept, ",") {
		tag = strings.ToLower(strings.TrimSpace(tag))
		switch {
		case strings.HasPrefix(tag, "zh"):
			return chinese
		case strings.HasPrefix(tag, "en"):
			return english
		}
	}
	return english
}
