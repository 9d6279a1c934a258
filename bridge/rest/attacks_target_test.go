package rest_test

import (
	"context"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/bridge/rest"
	"github.com/prestashop-bridge/bridge/login"
	"github.com/prestashop-bridge/bridge/policies"
	"github.com/prestashop-bridge/bridge/prestashop"
	"github.com/prestashop-bridge/bridge/prestashop/sandbox"
	"github.com/prestashop-bridge/bridge/queue"
	"github.com/prestashop-bridge/bridge/store"
	"github.com/prestashop-bridge/bridge/tools"
)

// The addresses of the stage: only handlerNetwork may call, and proxyAddress
// is the one proxy whose X-Forwarded-For is believed.
const (
	handlerAddress = "192.0.2.7"
	handlerNetwork = "192.0.2.0/24"
	proxyAddress   = "198.51.100.10"
)

// The other clients: one may only read, one has a signing secret of its own,
// one was dismissed by the operator after its token was issued.
const (
	readerID        = "reader-1"
	otherID         = "handler-2"
	otherHMACSecret = "the signing secret of the other handler"
	dismissedID     = "dismissed-1"
)

// target is the bridge under attack: the door's own server, with the MCP door
// beside it as in bridge serve, on the real store, queue, worker and the
// stand-in shop, with a clock that only scripts move.
type target struct {
	store    *store.Store
	shop     *sandbox.Shop
	tokens   *auth.Issuer
	own      *rsa.PrivateKey
	stranger *rsa.PrivateKey
	listener *stagedListener
	start    time.Time
	clock    atomic.Int64 // since start
}

func newTarget(t *testing.T) *target {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	const key = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
	x := &target{start: time.Now().Truncate(time.Second)}
	var err error
	x.own, err = auth.NewSigningKey()
	must(err)
	x.stranger, err = auth.NewSigningKey()
	must(err)
	keys, err := auth.NewKeySet(x.own)
	must(err)
	x.shop, err = sandbox.New(sandbox.Options{Key: key})
	must(err)
	shopServer := httptest.NewServer(x.shop)
	t.Cleanup(shopServer.Close)
	x.store, err = store.Open(t.Context(), "sqlite:"+filepath.ToSlash(filepath.Join(t.TempDir(), "bridge.db")), store.Options{})
	must(err)
	t.Cleanup(func() { _ = x.store.Close() })
	must(x.store.Migrate(t.Context()))
	log := slog.New(slog.DiscardHandler)
	transport, err := queue.Open(t.Context(), "", queue.Options{Node: "n", Logger: log})
	must(err)
	t.Cleanup(func() { _ = transport.Close() })
	rules := policies.Book{MaxPayloadBytes: policies.DefaultMaxPayloadBytes}
	shop, err := prestashop.New(prestashop.Options{URL: shopServer.URL, Key: key, Timeout: 5 * time.Second, Book: rules, Logger: log})
	must(err)
	t.Cleanup(shop.Close)

	worker := &bridge.Worker{Ledger: x.store, Shops: bridge.OneShop(shop), Node: "n", Lease: 8 * time.Second, AttemptTimeout: time.Minute, Now: time.Now, Log: log}
	runner := queue.NewRunner(transport, queue.RunnerOptions{Work: worker.Run, Due: worker.Due, Workers: 2, SweepEvery: 100 * time.Millisecond})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- runner.Run(ctx) }()
	t.Cleanup(func() { stop(); <-ended })

	sealer, err := auth.OpenSealer(filepath.Join(t.TempDir(), "secrets.key"))
	must(err)
	both := []string{auth.ScopeRead, auth.ScopeWrite}
	fixed := bridge.FixedClients{
		{ID: clientID, SecretHash: secretHash, Scopes: both, HMACSecrets: []string{hmacSecret}},
		{ID: readerID, SecretHash: secretHash, Scopes: []string{auth.ScopeRead}, HMACSecrets: []string{hmacSecret}},
		{ID: otherID, SecretHash: secretHash, Scopes: both, HMACSecrets: []string{otherHMACSecret}},
	}
	operator := &bridge.Registrar{Registry: x.store, Sealer: sealer, Fixed: fixed, Now: time.Now}
	_, err = operator.Add(t.Context(), "owner", "a handler for a season", bridge.RegisteredClient{ID: dismissedID, Scopes: both})
	must(err)
	must(operator.Revoke(t.Context(), "owner", "the season is over", dismissedID))

	x.tokens = &auth.Issuer{Keys: keys, URL: baseURL, Audience: []string{baseURL, baseURL + "/mcp"}, TTL: time.Hour, Now: x.now}
	door := &rest.Door{
		Desk: &bridge.Desk{
			Intake: x.store, Jobs: x.store, Shops: bridge.OneShop(shop), Transport: transport, Replays: transport, Limiter: transport,
			Rules: rules, MaxAttempts: 5, Now: x.now, NewID: func() string { return uuid.Must(uuid.NewV7()).String() }, Log: log,
		},
		Gate:    &bridge.Gate{Clients: bridge.Directory{Fixed: fixed, Registry: x.store, Sealer: sealer}, Grants: x.store, Tokens: x.tokens},
		BaseURL: baseURL, Now: x.now, Log: log,
		AllowedSources: networks(t, handlerNetwork), TrustedProxies: networks(t, proxyAddress+"/32"),
	}
	mcp := (&tools.Door{
		Desk: door.Desk, Gate: door.Gate, Name: "bridge", Version: "test", BaseURL: baseURL, Log: log,
		Sources: auth.Sources{Allowed: door.AllowedSources, Proxies: door.TrustedProxies},
	}).Handler()
	door.Grantor = &bridge.Grantor{
		Gate: door.Gate, Accounts: x.store, TokenEndpoint: baseURL + "/oauth/token", Resource: baseURL + "/mcp",
		Idle: 24 * time.Hour, Longest: 48 * time.Hour, Now: x.now,
	}
	pages := (&login.Door{
		Grantor: door.Grantor, Sealer: sealer, BaseURL: baseURL, Shop: func(bridge.Client) string { return "shop" }, Sources: auth.Sources{Allowed: door.AllowedSources, Proxies: door.TrustedProxies},
		Record: door.Desk.Record, Now: x.now, Log: log,
	}).Handler()
	server := httptest.NewUnstartedServer(nil)
	server.Config = door.Server("")
	signed := server.Config.Handler
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == tools.Path {
			mcp.ServeHTTP(w, r)
			return
		}
		if r.URL.Path == login.Path {
			pages.ServeHTTP(w, r)
			return
		}
		signed.ServeHTTP(w, r)
	})
	x.listener = &stagedListener{Listener: server.Listener, from: map[string]net.Addr{}}
	server.Listener = x.listener
	server.Start()
	t.Cleanup(server.Close)
	return x
}

func (x *target) now() time.Time { return x.start.Add(time.Duration(x.clock.Load())) }

// turnOn starts a script five minutes after the one before, in fresh windows.
func (x *target) turnOn() { x.clock.Add(int64(5 * time.Minute)) }

// jobs counts what was ever accepted.
func (x *target) jobs(t *testing.T) int {
	t.Helper()
	all, err := x.store.Jobs(t.Context(), bridge.JobFilter{Limit: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// finish waits until the worker has ended every job.
func (x *target) finish(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		all, err := x.store.Jobs(t.Context(), bridge.JobFilter{Limit: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(all, func(j bridge.Job) bool { return !j.Status.Terminal() }) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the jobs do not end")
		}
	}
}

// dial connects as if from an address of the stage.
func (x *target) dial(t *testing.T, from string) net.Conn {
	t.Helper()
	x.listener.mu.Lock()
	defer x.listener.mu.Unlock()
	connection, err := net.Dial("tcp", x.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	x.listener.from[connection.LocalAddr().String()] = &net.TCPAddr{IP: net.ParseIP(from), Port: 40000}
	return connection
}

// stagedListener lets its connections come from where the script says; the
// bytes are those of a real connection.
type stagedListener struct {
	net.Listener
	mu   sync.Mutex
	from map[string]net.Addr
}

// Accept gives the next connection.
func (l *stagedListener) Accept() (net.Conn, error) {
	connection, err := l.Listener.Accept()
	return &stagedConn{Conn: connection, stage: l}, err
}

type stagedConn struct {
	net.Conn
	stage *stagedListener
}

// RemoteAddr waits for dial to have told who this is.
func (c *stagedConn) RemoteAddr() net.Addr {
	c.stage.mu.Lock()
	defer c.stage.mu.Unlock()
	if claimed, known := c.stage.from[c.Conn.RemoteAddr().String()]; known {
		return claimed
	}
	return c.Conn.RemoteAddr()
}

// wire is a request as it goes over the connection.
type wire struct {
	method  string
	headers map[string]string // by lower-case name, the first of each
	raw     []byte
}

// secrets are what must never come back.
func (w wire) secrets() []string {
	var all []string
	_, token, _ := strings.Cut(w.headers["authorization"], " ")
	for _, part := range append(strings.Split(token, "."), w.headers["x-signature"], hmacSecret, clientSecret) {
		if len(part) >= 20 {
			all = append(all, part)
		}
	}
	return all
}

// honestHeaders is what a handler sends; ${honest} is all of it, and ${honest
// except A, B} leaves some out. A request with a body has the last two too.
var honestHeaders = []string{
	"Host: bridge.example",
	"Authorization: Bearer ${token}",
	"X-Request-ID: ${id}",
	"X-Timestamp: ${ts}",
	"Accept: application/json",
	"Connection: close",
	"X-Signature: ${sig}",
	"Content-Type: application/json",
	"Content-Length: ${length}",
}

// wire spells a request out.
func (p *play) wire(t *testing.T, x exchange, each string) wire {
	t.Helper()
	head, body, _ := strings.Cut(strings.ReplaceAll(x.request.text, "${each}", each), "\n\n")
	body = strings.TrimRight(body, "\n")
	s := &spelling{t: t, play: p, each: each}
	payload := s.expand(body)
	sent := payload
	if x.body != nil {
		payload, sent = s.encode(x.body)
	}
	if x.signed != nil {
		payload = s.expand(strings.TrimRight(x.signed.text, "\n"))
	}
	s.length = len(sent)
	head = strings.TrimRight(s.expandHonest(head, sent != ""), "\n")
	head = s.expand(strings.ReplaceAll(head, "${sig", "${later sig"))
	requestLine, _, _ := strings.Cut(head, "\n")
	words := strings.SplitN(requestLine, " ", 3)
	if len(words) < 3 {
		t.Fatalf("no request line: %q", requestLine)
	}
	uri := words[1]
	if _, rest, absolute := strings.Cut(uri, "://"); absolute {
		_, path, _ := strings.Cut(rest, "/")
		uri = "/" + path
	}
	headers := headersOf(head)
	s.text = auth.StringToSign(words[0], uri, headers["x-timestamp"], headers["x-request-id"], auth.BodyHash([]byte(payload)))
	head = s.expand(strings.ReplaceAll(head, "${later sig", "${sig"))
	return wire{
		method: words[0], headers: headersOf(head),
		raw: append([]byte(strings.ReplaceAll(head, "\n", "\r\n")+"\r\n\r\n"), sent...),
	}
}

func headersOf(head string) map[string]string {
	found := map[string]string{}
	for line := range strings.Lines(head) {
		name, value, _ := strings.Cut(line, ":")
		name = strings.ToLower(name)
		if _, known := found[name]; !known {
			found[name] = strings.TrimSpace(value)
		}
	}
	return found
}

// spelling fills in the placeholders of one request.
type spelling struct {
	t      *testing.T
	play   *play
	each   string
	length int
	text   string // to sign
}

var (
	honest      = regexp.MustCompile(`(?m)^\$\{honest(?: except ([^}]*))?\}\n?`)
	placeholder = regexp.MustCompile(`\$\{([a-z]+)(?: ([^}$]*))?\}`) // the innermost first
)

func (s *spelling) expandHonest(head string, withBody bool) string {
	return honest.ReplaceAllStringFunc(head+"\n", func(found string) string {
		left := strings.Split(honest.FindStringSubmatch(found)[1], ", ")
		var lines strings.Builder
		for _, line := range honestHeaders {
			name, _, _ := strings.Cut(line, ":")
			if !slices.Contains(left, name) && (withBody || !strings.HasPrefix(name, "Content-")) {
				lines.WriteString(line + "\n")
			}
		}
		return lines.String()
	})
}

func (s *spelling) expand(text string) string {
	text = strings.ReplaceAll(text, "${each}", s.each)
	for before := ""; before != text; {
		before = text
		text = placeholder.ReplaceAllStringFunc(text, func(found string) string {
			parts := placeholder.FindStringSubmatch(found)
			if parts[1] == "later" {
				return found
			}
			return s.spell(parts[1], parts[2])
		})
	}
	return text
}

// spell says what a placeholder stands for.
func (s *spelling) spell(name, argument string) string {
	x := s.play.target
	switch name {
	case "token": // ${token}, or ${token CLIENT SCOPE SCOPE}: a good one
		return s.token(strings.Fields(argument))
	case "forged": // ${forged MEMBER=VALUE; ...}: a good one changed, see forged
		return s.forged(argument)
	case "id": // ${id}, ${id NAME}: a UUID v4, in every script another
		return stableUUID(s.play.name + argument)
	case "ts": // ${ts}, ${ts +31}: the bridge's clock in unix seconds
		by, _ := strconv.Atoi(strings.TrimPrefix(argument, "+"))
		return strconv.FormatInt(x.now().Unix()+int64(by), 10)
	case "sig": // ${sig}: of this request as it stands; ${sig upper}; ${sig handler-2}
		return s.signature(argument)
	case "captured": // ${captured HEADER}: of the captured request
		return s.play.captured.headers[strings.ToLower(argument)]
	case "job": // of the first job of this script
		return s.play.firstJob
	case "length":
		return strconv.Itoa(s.length)
	case "basic": // ${basic CLIENT SECRET}: HTTP Basic; ${basic}: the right one
		words := strings.Fields(argument)
		if len(words) < 1 {
			words = append(words, clientID)
		}
		if len(words) < 2 {
			words = append(words, clientSecret)
		}
		return base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(words[0]) + ":" + url.QueryEscape(words[1])))
	case "byte": // ${byte 00}
		raw, err := hex.DecodeString(argument)
		if err != nil {
			s.t.Fatal(err)
		}
		return string(raw)
	case "repeat": // ${repeat 1000 TEXT}
		count, text, _ := strings.Cut(argument, " ")
		n, _ := strconv.Atoi(count)
		return strings.Repeat(text, n)
	}
	s.t.Fatalf("${%s} means nothing", name)
	return ""
}

// stableUUID makes a UUID v4 that is the same in every run.
func stableUUID(of string) string {
	sum := sha256.Sum256([]byte(of))
	id := uuid.UUID(sum[:16])
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return id.String()
}

func (s *spelling) signature(how string) string {
	switch how {
	case "upper":
		return strings.ToUpper(auth.Sign(hmacSecret, s.text))
	case otherID:
		return auth.Sign(otherHMACSecret, s.text)
	}
	return auth.Sign(hmacSecret, s.text)
}

func (s *spelling) token(words []string) string {
	if len(words) < 2 {
		words = append(words, clientID, auth.ScopeRead, auth.ScopeWrite)
	}
	token, _, err := s.play.target.tokens.Issue(words[0], words[1:])
	if err != nil {
		s.t.Fatal(err)
	}
	return token
}

// headerMembers are the members of a token that stand in its header.
var headerMembers = []string{"alg", "typ", "kid", "jwk", "jku", "x5u", "x5c", "x5t", "crit", "zip", "b64", "cty"}

// forged is a token that would be good but for the members named. A time may
// be told from now (exp=-10m), "-" takes a member away, and sign says who signs
// it: own (the bridge's key, though whoever writes the token does not have it;
// the default), stranger (the attacker's), none, or hs256 with the text behind
// a colon or the bridge's public key as the secret.
func (s *spelling) forged(argument string) string {
	x := s.play.target
	now := x.now()
	header := map[string]any{"alg": "RS256", "typ": "at+jwt", "kid": auth.Thumbprint(&x.own.PublicKey)}
	claims := map[string]any{
		"iss": baseURL, "sub": clientID, "client_id": clientID, "aud": []string{baseURL}, "scope": "bridge:read bridge:write",
		"jti": "1", "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
	by := "own"
	for member := range strings.SplitSeq(argument, "; ") {
		name, value, _ := strings.Cut(member, "=")
		into := claims
		if slices.Contains(headerMembers, name) {
			into = header
		}
		after, err := time.ParseDuration(value)
		switch {
		case name == "" || name == "sign":
			by = or(value, by)
		case value == "-":
			delete(into, name)
		case value == "stranger's key":
			into[name] = s.strangerKey()
		case name == "crit" || name == "x5c":
			into[name] = []string{value}
		case err == nil:
			into[name] = now.Add(after).Unix()
		default:
			into[name] = value
		}
	}
	return forge(header, claims, s.signer(by))
}

// strangerKey is the attacker's public key as a token would carry it.
func (s *spelling) strangerKey() any {
	modulus := s.play.target.stranger.N.Bytes()
	return map[string]any{"kty": "RSA", "e": "AQAB", "n": base64.RawURLEncoding.EncodeToString(modulus)}
}

// signer is who signs a forged token.
func (s *spelling) signer(by string) func(string) []byte {
	kind, secret, _ := strings.Cut(by, ":")
	switch kind {
	case "none":
		return func(string) []byte { return nil }
	case "own":
		return s.rs256(s.play.target.own)
	case "stranger":
		return s.rs256(s.play.target.stranger)
	}
	key := []byte(secret)
	if secret == "public key" {
		der, err := x509.MarshalPKIXPublicKey(&s.play.target.own.PublicKey)
		if err != nil {
			s.t.Fatal(err)
		}
		key = pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	}
	return func(text string) []byte {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(text))
		return mac.Sum(nil)
	}
}

func (s *spelling) rs256(key *rsa.PrivateKey) func(string) []byte {
	return func(text string) []byte {
		signature, err := jwt.SigningMethodRS256.Sign(text, key)
		if err != nil {
			s.t.Fatal(err)
		}
		return signature
	}
}

// encode gives the body as the client means it and as it is sent.
func (s *spelling) encode(b *section) (payload, sent string) {
	_, codings, _ := strings.Cut(b.title, " ")
	raw := b.text
	if codings != "crlf" {
		raw = strings.TrimRight(raw, "\n")
	}
	sent = s.expand(raw)
	payload = sent
	for coding := range strings.SplitSeq(codings, ", ") {
		name, argument, _ := strings.Cut(coding, " ")
		n, _ := strconv.Atoi(argument)
		switch name {
		case "pad":
			sent = sent[:len(sent)-1] + strings.Repeat(" ", n-len(sent)) + "}"
		case "gzip":
			sent = string(gzipped(sent))
		case "cut":
			sent = sent[:len(sent)-n]
		case "append":
			sent += argument
		case "twice":
			sent += sent
		case "crlf":
			sent = strings.ReplaceAll(sent, "\n", "\r\n")
		case "chunked": // framing only: what is signed is inside
			return sent, fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(sent), sent)
		default:
			s.t.Fatalf("a coding %q means nothing", coding)
		}
		payload = sent
	}
	return payload, sent
}

// ATTACK: connections that are held open by sending next to nothing. The times
// are Go's server to keep; here they only have to be set.
func TestSlowClientsAreCut(t *testing.T) {
	s := newRig(t).door.Server("")
	for name, limit := range map[string]time.Duration{"head": s.ReadHeaderTimeout, "body": s.ReadTimeout, "idle": s.IdleTimeout} {
		if limit <= 0 || limit > 2*time.Minute {
			t.Errorf("%s: %v", name, limit)
		}
	}
	if s.MaxHeaderBytes <= 0 || s.MaxHeaderBytes > 64<<10 {
		t.Errorf("head of %d bytes", s.MaxHeaderBytes)
	}
}
