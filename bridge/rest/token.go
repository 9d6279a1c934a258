package rest

import (
	"io"
	"mime"
	"net/http"
	"net/url"
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

// tokenCounter is POST /oauth/token and POST /oauth/revoke: credentials, codes
// and refresh tokens in, signed access tokens out.
type tokenCounter struct {
	gate     *bridge.Gate
	grantor  *bridge.Grantor
	origins  sources
	attempts *auth.Attempts
	hashing  chan struct{}
}

// attemptLimits: a token lasts an hour, so a client that asks twenty times a
// minute has a fault, and an address that asks a hundred times is guessing.
var attemptLimits = auth.AttemptLimits{Pair: 20, Source: 100}

func newTokenCounter(d *Door, origins sources) *tokenCounter {
	return &tokenCounter{gate: d.Gate, grantor: d.Grantor, origins: origins, attempts: auth.NewAttempts(attemptLimits, d.Now), hashing: make(chan struct{}, parallelHashes)}
}

// tokenAnswer is RFC 6749 §5.1.
type tokenAnswer struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"`
	Scope        string `json:"scope"`
	RefreshToken string `json:"refresh_token,omitempty"`
}

func (t *tokenCounter) serve(c *call) error {
	answer, fault := t.issue(c)
	if fault != nil {
		return writeOAuthError(c, fault)
	}
	noStore(c.w.Header())
	return c.writeJSON(http.StatusOK, tokenAnswer{
		AccessToken: answer.Access, TokenType: "Bearer", ExpiresIn: int64(answer.ExpiresIn.Seconds()),
		Scope: strings.Join(answer.Scopes, " "), RefreshToken: answer.Refresh,
	})
}

// noStore is RFC 6749 §5.1: no cache, old ones included, keeps a token.
func noStore(header http.Header) {
	header.Set("Cache-Control", "no-store")
	header.Set("Pragma", "no-cache")
}

// grantTypes are what the token endpoint offers. People's clients and clients
// on their own have grants of their own: a client that operators connect could
// otherwise act without any of them.
var grantTypes = []struct {
	name      string
	forPeople bool
	issue     func(*tokenCounter, *call, bridge.Client, url.Values) (bridge.Tokens, error)
}{
	{"client_credentials", false, (*tokenCounter).issueOwn},
	{"authorization_code", true, (*tokenCounter).redeem},
	{"refresh_token", true, (*tokenCounter).refresh},
}

func grantTypeNames() []string {
	names := make([]string, len(grantTypes))
	for i, g := range grantTypes {
		names[i] = g.name
	}
	return names
}

func (t *tokenCounter) issue(c *call) (bridge.Tokens, *oauthError) {
	form, fault := t.admit(c)
	if fault != nil {
		return bridge.Tokens{}, fault
	}
	for _, g := range grantTypes {
		if g.name != form.Get("grant_type") {
			continue
		}
		if !t.grantor.Offers(form["resource"]) {
			// A token for a resource that is not ours is never made.
			return bridge.Tokens{}, invalidTarget()
		}
		client, fault := t.identify(c, form)
		if fault != nil {
			return bridge.Tokens{}, fault
		}
		if client.Metadata.ForPeople() != g.forPeople {
			return bridge.Tokens{}, unauthorizedClient()
		}
		answer, err := g.issue(t, c, client, form)
		if err != nil {
			return bridge.Tokens{}, oauthFault(err)
		}
		return answer, nil
	}
	if form.Get("grant_type") == "" {
		return bridge.Tokens{}, invalidRequest("grant_type is required.")
	}
	return bridge.Tokens{}, unsupportedGrant()
}

// issueOwn is the client acting on its own (RFC 6749 §4.4).
func (t *tokenCounter) issueOwn(_ *call, client bridge.Client, form url.Values) (bridge.Tokens, error) {
	scopes := auth.ParseScopes(form.Get("scope"))
	if len(scopes) == 0 {
		scopes = client.Scopes
	}
	if !auth.Subset(scopes, client.Scopes) {
		return bridge.Tokens{}, &bridge.Refusal{Name: bridge.InvalidScope, Description: "The client does not hold every scope it asked for."}
	}
	token, lifetime, err := t.gate.Tokens.For(form["resource"]...).Issue(client.ID, scopes)
	return bridge.Tokens{Access: token, ExpiresIn: lifetime, Scopes: scopes}, err
}

// redeem is RFC 6749 §4.1.3.
func (t *tokenCounter) redeem(c *call, client bridge.Client, form url.Values) (bridge.Tokens, error) {
	return t.grantor.Redeem(c.r.Context(), client, bridge.Redemption{
		Code: form.Get("code"), RedirectURI: form.Get("redirect_uri"), Verifier: form.Get("code_verifier"), Resources: form["resource"],
	})
}

// refresh is RFC 6749 §6.
func (t *tokenCounter) refresh(c *call, client bridge.Client, form url.Values) (bridge.Tokens, error) {
	return t.grantor.Refresh(c.r.Context(), client, form.Get("refresh_token"), auth.ParseScopes(form.Get("scope")), form["resource"])
}

// revoke is RFC 7009 §2: the answer is the same whether there was anything to
// revoke.
func (t *tokenCounter) revoke(c *call) error {
	form, fault := t.admit(c)
	if fault != nil {
		return writeOAuthError(c, fault)
	}
	if form.Get("token") == "" {
		return writeOAuthError(c, invalidRequest("token is required."))
	}
	client, fault := t.identify(c, form)
	if fault != nil {
		return writeOAuthError(c, fault)
	}
	if err := t.grantor.Revoke(c.r.Context(), client, form.Get("token")); err != nil {
		return writeOAuthError(c, oauthFault(err))
	}
	noStore(c.w.Header())
	c.w.WriteHeader(http.StatusOK)
	return nil
}

// admit looks at where the request comes from and reads its form.
func (t *tokenCounter) admit(c *call) (url.Values, *oauthError) {
	if !t.origins.Allows(t.origins.Address(c.r)) {
		return nil, sourceRefused()
	}
	return readForm(c)
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
