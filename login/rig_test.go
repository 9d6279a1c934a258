package login_test

import (
	"encoding/json"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/bridge/rest"
	"github.com/prestashop-bridge/bridge/egress"
	"github.com/prestashop-bridge/bridge/login"
	"github.com/prestashop-bridge/bridge/policies"
	"github.com/prestashop-bridge/bridge/store"
	"github.com/prestashop-bridge/bridge/store/storetest"
)

const (
	operatorName = "ada"
	password     = "correct horse battery staple"
	callback     = "https://app.example/callback"
	// verifier and challenge are the example of RFC 7636 appendix B.
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

var signingKeys = sync.OnceValue(func() *auth.KeySet {
	key, err := auth.NewSigningKey()
	if err != nil {
		panic(err)
	}
	keys, err := auth.NewKeySet(key)
	if err != nil {
		panic(err)
	}
	return keys
})

// rig is the login door beside the token endpoint, on a real store, with a
// clock a test can move.
type rig struct {
	*testing.T
	base      string
	ahead     atomic.Int64
	store     *store.Store
	grantor   *bridge.Grantor
	keeper    *bridge.AccountKeeper
	registrar *bridge.Registrar
	log       *logBuffer
	door      *login.Door
	// publisher serves metadata documents by TLS at a loopback address that the
	// operator has named.
	publisher *httptest.Server
	publish   func(http.ResponseWriter, *http.Request)
	asked     atomic.Int64
}

type logBuffer struct {
	mu sync.Mutex
	strings.Builder
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Builder.Write(p)
}

func (b *logBuffer) text() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.String()
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{T: t, log: &logBuffer{}}
	file := filepath.Join(t.TempDir(), "bridge.db")
	if err := os.WriteFile(file, must[[]byte](t)(storetest.Empty()), 0o600); err != nil {
		t.Fatal(err)
	}
	r.store = must[*store.Store](t)(store.Open(t.Context(), "sqlite:"+file, store.Options{}))
	t.Cleanup(func() { _ = r.store.Close() })
	sealer := must[*auth.Sealer](t)(auth.OpenSealer(filepath.Join(t.TempDir(), "secrets.key")))

	r.publisher = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r.asked.Add(1)
		r.publish(w, q)
	}))
	t.Cleanup(r.publisher.Close)
	host := strings.TrimPrefix(r.publisher.URL, "https://")
	fetcher := egress.NewClient(policies.Book{AllowedHosts: []string{host}}, egress.Options{Timeout: 5 * time.Second})
	fetcher.Transport.(*http.Transport).TLSClientConfig = r.publisher.Client().Transport.(*http.Transport).TLSClientConfig
	t.Cleanup(fetcher.CloseIdleConnections)
	documents := login.NewDocuments(fetcher, []string{"any"}, r.now)

	server := httptest.NewUnstartedServer(nil)
	r.base = "http://" + server.Listener.Addr().String()
	log := slog.New(slog.NewJSONHandler(r.log, nil))
	issuer := &auth.Issuer{Keys: signingKeys(), URL: r.base, Audience: []string{r.base, r.base + "/mcp"}, TTL: time.Hour, Now: r.now}
	clients := bridge.Directory{Registry: r.store, Sealer: sealer, Documents: documents}
	gate := &bridge.Gate{Clients: clients, Grants: r.store, Tokens: issuer}
	r.grantor = &bridge.Grantor{
		Gate: gate, Documents: documents, Accounts: r.store, TokenEndpoint: r.base + "/oauth/token", Resource: r.base + "/mcp",
		Idle: 30 * 24 * time.Hour, Longest: 90 * 24 * time.Hour, Now: r.now,
	}
	desk := &bridge.Desk{Now: r.now, Log: log}
	r.door = &login.Door{Grantor: r.grantor, Sealer: sealer, BaseURL: r.base, Shop: func(bridge.Client) string { return "shop.example" }, Record: desk.Record, Now: r.now, Log: log}
	tokens := (&rest.Door{Desk: desk, Gate: gate, Grantor: r.grantor, BaseURL: r.base, Now: r.now, Log: log, ClientDocuments: true}).Handler()
	pages := r.door.Handler()
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path == login.Path {
			pages.ServeHTTP(w, q)
			return
		}
		tokens.ServeHTTP(w, q)
	})
	server.Start()
	t.Cleanup(server.Close)

	r.keeper = &bridge.AccountKeeper{Accounts: r.store, Now: r.now}
	if err := r.keeper.Add(t.Context(), "root", "test", operatorName, password, []string{auth.ScopeRead, auth.ScopeWrite}); err != nil {
		t.Fatal(err)
	}
	r.registrar = &bridge.Registrar{Registry: r.store, Sealer: sealer, Now: r.now}
	r.register("app", bridge.ClientMetadata{Name: "The App", RedirectURIs: []string{callback, "http://127.0.0.1/done"}, AuthMethod: bridge.AuthNothing})
	return r
}

func (r *rig) register(id string, m bridge.ClientMetadata) bridge.Credentials {
	r.Helper()
	return must[bridge.Credentials](r.T)(r.registrar.Add(r.Context(), "root", "test", bridge.RegisteredClient{ID: id, Scopes: []string{auth.ScopeRead, auth.ScopeWrite}, Metadata: m}))
}

func (r *rig) now() time.Time { return time.Now().Add(time.Duration(r.ahead.Load())) }

func (r *rig) advance(d time.Duration) { r.ahead.Add(int64(d)) }

// asks is a sound authorization request of the app, with some parameters
// changed ("" takes one out).
func (r *rig) asks(changes ...string) url.Values {
	query := url.Values{
		"response_type": {"code"}, "client_id": {"app"}, "redirect_uri": {callback}, "state": {"xyz"},
		"code_challenge": {challenge}, "code_challenge_method": {"S256"}, "scope": {"bridge:read bridge:write"}, "resource": {r.base + "/mcp"},
	}
	for i := 0; i+1 < len(changes); i += 2 {
		if query.Del(changes[i]); changes[i+1] != "" {
			query.Set(changes[i], changes[i+1])
		}
	}
	return query
}

// browser keeps cookies and follows no redirect, as each is looked at.
type browser struct {
	*rig
	http http.Client
}

func (r *rig) browser() *browser {
	jar := must[*cookiejar.Jar](r.T)(cookiejar.New(nil))
	b := &browser{rig: r, http: http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	b.Cleanup(b.http.CloseIdleConnections)
	return b
}

// shown is a page or a redirect.
type shown struct {
	status int
	header http.Header
	body   string
	where  *url.URL // nil for a page
}

func (b *browser) do(q *http.Request) shown {
	b.Helper()
	resp := must[*http.Response](b.T)(b.http.Do(q))
	defer resp.Body.Close()
	s := shown{status: resp.StatusCode, header: resp.Header, body: string(must[[]byte](b.T)(io.ReadAll(resp.Body)))}
	if resp.Header.Get("Location") != "" {
		s.where = must[*url.URL](b.T)(resp.Location())
	}
	return s
}

func (b *browser) get(query url.Values) shown {
	b.Helper()
	return b.do(must[*http.Request](b.T)(http.NewRequest(http.MethodGet, b.base+login.Path+"?"+query.Encode(), nil)))
}

func (b *browser) post(query, form url.Values) shown {
	b.Helper()
	q := must[*http.Request](b.T)(http.NewRequest(http.MethodPost, b.base+login.Path+"?"+query.Encode(), strings.NewReader(form.Encode())))
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.do(q)
}

var tokenField = regexp.MustCompile(`name="token" value="([0-9a-f]{64})"`)

func (s shown) token(t *testing.T) string {
	t.Helper()
	found := tokenField.FindStringSubmatch(s.body)
	if found == nil {
		t.Fatalf("status %d, no form in\n%s", s.status, s.body)
	}
	return found[1]
}

// logIn goes through the login page and gives the consent page.
func (b *browser) logIn(query url.Values) shown {
	b.Helper()
	page := b.get(query)
	done := b.post(query, url.Values{"token": {page.token(b.T)}, "action": {"login"}, "name": {operatorName}, "password": {password}})
	if done.status != http.StatusSeeOther || done.where.Path != login.Path {
		b.Fatalf("login: status %d to %v\n%s", done.status, done.where, done.body)
	}
	return b.get(query)
}

// consent logs in and agrees to all, and gives the redirect to the client.
func (b *browser) consent(query url.Values) url.Values {
	b.Helper()
	page := b.logIn(query)
	scopes := query["scope"]
	if len(scopes) > 0 {
		scopes = strings.Fields(scopes[0])
	}
	done := b.post(query, url.Values{"token": {page.token(b.T)}, "action": {"approve"}, "scope": scopes})
	if done.status != http.StatusSeeOther || done.where.Query().Get("code") == "" {
		b.Fatalf("consent: status %d to %v\n%s", done.status, done.where, html.UnescapeString(done.body))
	}
	return done.where.Query()
}

// answer is what the token endpoint says.
type answer struct {
	status  int
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	Scope   string `json:"scope"`
	Error   string `json:"error"`
	Says    string `json:"error_description"`
}

func (r *rig) token(path string, form url.Values) answer {
	r.Helper()
	resp := must[*http.Response](r.T)(http.PostForm(r.base+path, form))
	defer resp.Body.Close()
	got := answer{status: resp.StatusCode}
	raw := must[[]byte](r.T)(io.ReadAll(resp.Body))
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &got); err != nil {
			r.Fatalf("%s: %v", raw, err)
		}
	}
	return got
}

func redemption(code string, changes ...string) url.Values {
	form := url.Values{"grant_type": {"authorization_code"}, "client_id": {"app"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {verifier}}
	for i := 0; i+1 < len(changes); i += 2 {
		if form.Del(changes[i]); changes[i+1] != "" {
			form.Set(changes[i], changes[i+1])
		}
	}
	return form
}

// connected is an app that an operator has let in.
func (r *rig) connected() answer {
	r.Helper()
	got := r.token("/oauth/token", redemption(r.browser().consent(r.asks()).Get("code")))
	if got.status != http.StatusOK {
		r.Fatalf("%+v", got)
	}
	return got
}

func (r *rig) refresh(token string, changes ...string) answer {
	r.Helper()
	form := url.Values{"grant_type": {"refresh_token"}, "client_id": {"app"}, "refresh_token": {token}}
	for i := 0; i+1 < len(changes); i += 2 {
		form.Set(changes[i], changes[i+1])
	}
	return r.token("/oauth/token", form)
}

// actor is who a token lets act at /mcp, or why not.
func (r *rig) actor(access string) (bridge.Actor, error) {
	_, actor, err := r.grantor.Gate.For(r.base+"/mcp").Bearer(r.Context(), "Bearer "+access)
	return actor, err
}
