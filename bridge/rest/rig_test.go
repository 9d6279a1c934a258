package rest_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/bridge/rest"
	"github.com/prestashop-bridge/bridge/policies"
	"github.com/prestashop-bridge/bridge/schemas"
)

const (
	baseURL      = "https://bridge.example"
	clientID     = "handler-1"
	clientSecret = "a long client secret: +%& /"
	// secretHash is auth.HashSecret of it at bcrypt's lowest cost, for speed.
	secretHash     = "$2a$04$2/AqD5hmzSlicHIihl2I4OdjZAS1eqRl9YzCxlfshTwlxS9gRiay2"
	hmacSecret     = "a3f8b2c9d4e5f6789012345678901234567890abcdef1234567890abcdef1234"
	previousSecret = "the secret before this one"
	requestID      = "9a6ea3f2-672b-4f44-a143-006f09dd4abc"
	updatePath     = "/v1/jobs/products/update"
	updateBody     = `{"product_id":123,"updates":{"price_ht":25.5}}`
	productPath    = "/v1/products/123"
)

// start is the time of the published signature examples.
var start = time.Unix(1710950400, 0)

// signingKeys are dear to make and the same for every test.
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

// rig is a door on the real hub, with a clock a test can move.
type rig struct {
	t       *testing.T
	door    *rest.Door
	back    *backroom
	handler http.Handler
	log     *safeBuffer
	now     time.Time
	ids     int
}

func newRig(t *testing.T, settings ...func(*rest.Door)) *rig {
	t.Helper()
	r := &rig{t: t, back: newBackroom(), log: &safeBuffer{}, now: start}
	clock := func() time.Time { return r.now }
	log := slog.New(slog.NewJSONHandler(r.log, nil))
	r.door = &rest.Door{
		Desk: &bridge.Desk{
			Intake: intake{r.back}, Jobs: r.back, Shops: bridge.OneShop(r.back), Transport: r.back, Replays: replays{r.back}, Limiter: r.back,
			Rules: policies.Book{MaxPayloadBytes: policies.DefaultMaxPayloadBytes}, MaxAttempts: 5, Now: clock, NewID: r.newID, Log: log,
		},
		Gate: &bridge.Gate{
			Clients: bridge.FixedClients{{
				ID: clientID, SecretHash: secretHash, Scopes: []string{auth.ScopeRead, auth.ScopeWrite}, HMACSecrets: []string{hmacSecret, previousSecret},
			}},
			Tokens: &auth.Issuer{Keys: signingKeys(), URL: baseURL, Audience: []string{baseURL, baseURL + "/mcp"}, TTL: time.Hour, Now: clock},
		},
		BaseURL: baseURL, Now: clock, Log: log,
	}
	for _, set := range settings {
		set(r.door)
	}
	r.door.Grantor = &bridge.Grantor{Gate: r.door.Gate, TokenEndpoint: baseURL + "/oauth/token", Now: clock}
	r.handler = conforming(t, r.door.Handler())
	return r
}

// newID gives job ids that are the same in every run.
func (r *rig) newID() string {
	r.ids++
	return fmt.Sprintf("018e5c3e-0000-7000-8000-%012d", r.ids)
}

// token issues one of this rig's own, the same for the same scopes and time.
func (r *rig) token(scopes ...string) string {
	r.t.Helper()
	key := fmt.Sprint(r.now.Unix(), scopes)
	if known, found := tokens.Load(key); found {
		return known.(string)
	}
	token, _, err := r.door.Gate.Tokens.Issue(clientID, scopes)
	if err != nil {
		r.t.Fatal(err)
	}
	tokens.Store(key, token)
	return token
}

// tokens are kept because signing is dear and every rig has the same issuer.
var tokens sync.Map

// confine registers networks for the rig's client.
func (r *rig) confine(texts ...string) {
	r.t.Helper()
	client, err := r.door.Gate.Clients.Client(r.t.Context(), clientID)
	if err != nil {
		r.t.Fatal(err)
	}
	client.Sources = networks(r.t, texts...)
	r.door.Gate.Clients = bridge.FixedClients{client}
}

// shot is a request before it is signed. The zero value of a field means what
// an honest client would send; after lets a test spoil the finished request.
type shot struct {
	method    string
	uri       string
	payload   string
	encode    func(string) []byte // nil: as it is
	encoding  string
	secret    string
	requestID string
	skew      time.Duration
	after     func(*http.Request)
}

func read(uri string) shot { return shot{method: http.MethodGet, uri: uri} }

func write(payload string) shot {
	return shot{method: http.MethodPost, uri: updatePath, payload: payload}
}

func (r *rig) request(s shot) *http.Request {
	r.t.Helper()
	body := []byte(s.payload)
	if s.encode != nil {
		body = s.encode(s.payload)
	}
	request := httptest.NewRequest(s.method, s.uri, bytes.NewReader(body))
	header := request.Header
	header.Set("Authorization", "Bearer "+r.token(auth.ScopeRead, auth.ScopeWrite))
	header.Set("X-Request-ID", or(s.requestID, requestID))
	header.Set("X-Timestamp", strconv.FormatInt(r.now.Add(s.skew).Unix(), 10))
	header.Set("Accept", "application/json")
	if len(body) > 0 {
		header.Set("Content-Type", "application/json")
	}
	if s.encoding != "" {
		header.Set("Content-Encoding", s.encoding)
	}
	text := auth.StringToSign(s.method, s.uri, header.Get("X-Timestamp"), header.Get("X-Request-ID"), auth.BodyHash(body))
	header.Set("X-Signature", auth.Sign(or(s.secret, hmacSecret), text))
	if s.after != nil {
		s.after(request)
	}
	return request
}

func (r *rig) serve(request *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r.handler.ServeHTTP(w, request)
	return w
}

func (r *rig) send(s shot) *httptest.ResponseRecorder {
	r.t.Helper()
	return r.serve(r.request(s))
}

// refused sends a shot and gives the problem it must be answered with.
func (r *rig) refused(s shot, status int, code bridge.Code) schemas.Problem {
	r.t.Helper()
	return problem(r.t, r.send(s), status, code)
}

func problem(t *testing.T, w *httptest.ResponseRecorder, status int, code bridge.Code) schemas.Problem {
	t.Helper()
	var p schemas.Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatalf("%d with a body that is no problem: %v\n%s", w.Code, err, w.Body)
	}
	if w.Code != status || p.ErrorCode != string(code) {
		t.Fatalf("got %d %s, want %d %s\n%s", w.Code, p.ErrorCode, status, code, w.Body)
	}
	return p
}

func expect(t *testing.T, w *httptest.ResponseRecorder, status int) {
	t.Helper()
	if w.Code != status {
		t.Fatalf("got %d, want %d\n%.2000s", w.Code, status, w.Body)
	}
}

func gzipped(text string) []byte {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return packed.Bytes()
}

// padded is an update of exactly size bytes, valid but for its length: JSON
// lets white space stand before the end.
func padded(size int) string {
	return updateBody[:len(updateBody)-1] + strings.Repeat(" ", size-len(updateBody)) + "}"
}

func networks(t *testing.T, texts ...string) []netip.Prefix {
	t.Helper()
	var list []netip.Prefix
	for _, text := range texts {
		network, err := netip.ParsePrefix(text)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, network)
	}
	return list
}

func or(given, otherwise string) string {
	if given == "" {
		return otherwise
	}
	return given
}

// safeBuffer is a log that several requests write to.
type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
