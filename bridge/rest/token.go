package rest

import (
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
)

const (
	// maxTokenBody is far above a grant of ours.
	maxTokenBody = 8 << 10
	// parallelHashes bounds the processor time that secrets can cost at once:
	// checking one takes tens of milliseconds by design.
	parallelHashes = 2
)

// tokenCounter is POST /oauth/token: client credentials in (RFC 6749 §4.4), a
// signed access token out.
type tokenCounter struct {
	gate     *bridge.Gate
	origins  sources
	attempts *attempts
	hashing  chan struct{}
}

func newTokenCounter(d *Door, origins sources) *tokenCounter {
	return &tokenCounter{gate: d.Gate, origins: origins, attempts: newAttempts(d.Now), hashing: make(chan struct{}, parallelHashes)}
}

// grant is what a token request asks for.
type grant struct {
	client    string
	secret    string
	scopes    []string // empty: all the client holds
	resources []string // empty: all of this deployment
}

// tokenAnswer is RFC 6749 §5.1.
type tokenAnswer struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int64  `json:"expires_in"`
	Scope       string `json:"scope"`
}

func (t *tokenCounter) serve(c *call) error {
	answer, fault := t.issue(c)
	if fault != nil {
		return writeOAuthError(c, fault)
	}
	noStore(c.w.Header())
	return c.writeJSON(http.StatusOK, answer)
}

// noStore is RFC 6749 §5.1: no cache, old ones included, keeps a token.
func noStore(header http.Header) {
	header.Set("Cache-Control", "no-store")
	header.Set("Pragma", "no-cache")
}

func (t *tokenCounter) issue(c *call) (tokenAnswer, *oauthError) {
	source := t.origins.Address(c.r)
	if !t.origins.Allows(source) {
		return tokenAnswer{}, sourceRefused()
	}
	form, fault := readForm(c)
	if fault != nil {
		return tokenAnswer{}, fault
	}
	wanted, fault := t.grant(c.r.Header, form)
	if fault != nil {
		return tokenAnswer{}, fault
	}
	if wait, allowed := t.attempts.take(source, wanted.client); !allowed {
		return tokenAnswer{}, tooManyAttempts(wait)
	}
	client, fault := t.authenticate(c, wanted)
	if fault != nil {
		return tokenAnswer{}, fault
	}
	c.client, c.shop = client.ID, client.Shop
	if !client.MayCallFrom(source) {
		return tokenAnswer{}, sourceRefused()
	}
	scopes := wanted.scopes
	if len(scopes) == 0 {
		scopes = client.Scopes
	}
	if !auth.Subset(scopes, client.Scopes) {
		return tokenAnswer{}, invalidScope()
	}
	token, lifetime, err := t.gate.Tokens.For(wanted.resources...).Issue(client.ID, scopes)
	if err != nil {
		return tokenAnswer{}, unavailable(err)
	}
	return tokenAnswer{AccessToken: token, TokenType: "Bearer", ExpiresIn: int64(lifetime.Seconds()), Scope: strings.Join(scopes, " ")}, nil
}

// readForm reads the parameters. RFC 6749 §3.2: each at most once; §2.3.1: in
// the body only, because request lines end up in logs.
func readForm(c *call) (url.Values, *oauthError) {
	mediaType, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || mediaType != "application/x-www-form-urlencoded" || len(c.r.Header.Values("Content-Type")) > 1 {
		return nil, invalidRequest("The body must be application/x-www-form-urlencoded.")
	}
	if c.query != "" {
		return nil, invalidRequest("Parameters belong in the body, not in the URI.")
	}
	raw, err := io.ReadAll(io.LimitReader(c.r.Body, maxTokenBody+1))
	if err != nil || len(raw) > maxTokenBody {
		return nil, invalidRequest("The body is broken off or longer than 8192 bytes.")
	}
	form, err := url.ParseQuery(string(raw))
	if err != nil {
		return nil, invalidRequest("The body is not form-urlencoded.")
	}
	for name, values := range form {
		// RFC 8707 §2 lets resource repeat.
		if len(values) > 1 && name != "resource" {
			return nil, invalidRequest("A parameter was sent more than once.")
		}
	}
	return form, nil
}

// grant reads the form and the credentials beside it.
func (t *tokenCounter) grant(header http.Header, form url.Values) (grant, *oauthError) {
	switch form.Get("grant_type") {
	case "client_credentials":
	case "":
		return grant{}, invalidRequest("grant_type is required.")
	default:
		return grant{}, unsupportedGrant()
	}
	for _, resource := range form["resource"] {
		// A token for a resource that is not ours is never made.
		if !slices.Contains(t.gate.Tokens.Audience, resource) {
			return grant{}, invalidTarget()
		}
	}
	client, secret, fault := credentials(header, form)
	return grant{client: client, secret: secret, scopes: auth.ParseScopes(form.Get("scope")), resources: form["resource"]}, fault
}

// credentials takes HTTP Basic or the form, never both (RFC 6749 §2.3). In
// Basic both halves are form-urlencoded (§2.3.1). client_id may stand in the
// form beside Basic if it says the same: some clients always send it.
func credentials(header http.Header, form url.Values) (client, secret string, fault *oauthError) {
	basic := header.Values("Authorization")
	if len(basic) == 0 {
		if form.Get("client_id") == "" || form.Get("client_secret") == "" {
			return "", "", invalidClient("The request carries no client credentials.")
		}
		return form.Get("client_id"), form.Get("client_secret"), nil
	}
	if len(basic) > 1 || form.Has("client_secret") {
		return "", "", invalidRequest("Credentials were sent in more than one way.")
	}
	user, password, valid := (&http.Request{Header: header}).BasicAuth()
	client, errClient := url.QueryUnescape(user)
	secret, errSecret := url.QueryUnescape(password)
	if !valid || errClient != nil || errSecret != nil {
		return "", "", invalidClient("The Authorization header is not HTTP Basic with form-urlencoded halves.")
	}
	if form.Has("client_id") && form.Get("client_id") != client {
		return "", "", invalidRequest("client_id differs from the Authorization header.")
	}
	return client, secret, nil
}

// authenticate finds the client and checks its secret. An unknown client costs
// the same comparison as a wrong secret, and both hear the same.
func (t *tokenCounter) authenticate(c *call, wanted grant) (bridge.Client, *oauthError) {
	client, err := t.gate.Clients.Client(c.r.Context(), wanted.client)
	if err != nil && bridge.AsError(err).Code != bridge.CodeUnauthorized {
		return bridge.Client{}, unavailable(err)
	}
	known := err == nil
	if !known {
		client = bridge.Client{}
	}
	select {
	case t.hashing <- struct{}{}:
		defer func() { <-t.hashing }()
	case <-c.r.Context().Done():
		return bridge.Client{}, unavailable(c.r.Context().Err())
	}
	if !client.SecretMatches(wanted.secret) || !known {
		return bridge.Client{}, invalidClient("The client credentials are not valid.")
	}
	return client, nil
}
