package bridge

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/prestashop-bridge/bridge/auth"
)

// Actor is who asks: a client known by its token or, on stdio, by the
// configuration. Request ids and batch ids belong to one client.
type Actor struct {
	ClientID string
	Shop     string // the shop it works on; "" is that of the settings
	Scopes   []string
	// Limits are requests a minute; a class that is absent has the
	// deployment's limit.
	Limits map[RateClass]int
}

// Holds reports whether the actor has the scope.
func (a Actor) Holds(scope string) bool { return slices.Contains(a.Scopes, scope) }

// Authorize checks the scope an operation needs.
func (a Actor) Authorize(op Operation) error {
	if a.Holds(op.Scope) {
		return nil
	}
	return Fault(CodeInsufficientScope, nil, "%s needs the scope %s.", op.Name, op.Scope)
}

// Client is a party registered to call the bridge.
type Client struct {
	ID          string
	Shop        string   // "" is that of the settings
	SecretHash  string   // auth.HashSecret of its OAuth secret
	OldHash     string   // of the secret before, "" for none; either authenticates
	Scopes      []string // the most a token of it can carry
	HMACSecrets []string // current, then previous; either signs
	Limits      map[RateClass]int
	// Sources are the networks it may call from; none means any that the
	// deployment allows.
	Sources []netip.Prefix
	// Metadata is what else is registered; of a client with a metadata document
	// only Grantor.Client fills it in.
	Metadata ClientMetadata
}

// SecretMatches reports whether the OAuth secret is the client's present one or
// the one before. Both are always compared, so it takes as long for a client
// that is in no rotation, or does not exist.
func (c Client) SecretMatches(secret string) bool {
	present, before := auth.SecretMatches(c.SecretHash, secret), auth.SecretMatches(c.OldHash, secret)
	return present || before
}

// AdmitFrom refuses a client that calls from outside the networks registered
// for it.
func (c Client) AdmitFrom(addr netip.Addr) error {
	if c.MayCallFrom(addr) {
		return nil
	}
	fault := Fault(CodeSourceRefused, nil, "This client may not call from this address.")
	fault.Fix = "Call from one of the networks registered for the client, or ask the operator to add this one."
	return fault
}

// AdmitSource refuses a request from outside the networks the deployment
// allows.
func AdmitSource(s auth.Sources, r *http.Request) error {
	if s.Allows(s.Address(r)) {
		return nil
	}
	return Fault(CodeSourceRefused, nil, "Requests from this address are not allowed.")
}

// MayCallFrom reports whether the client may call from the address.
func (c Client) MayCallFrom(addr netip.Addr) bool {
	if len(c.Sources) == 0 {
		return true
	}
	addr = addr.Unmap()
	return slices.ContainsFunc(c.Sources, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// Clients finds registered clients; CodeUnauthorized when there is none of
// that id.
type Clients interface {
	Client(ctx context.Context, id string) (Client, error)
}

// FixedClients is the directory of a deployment whose clients stand in its
// settings.
type FixedClients []Client

// Client finds a client by id.
func (f FixedClients) Client(_ context.Context, id string) (Client, error) {
	for _, c := range f {
		if c.ID == id {
			return c, nil
		}
	}
	return Client{}, Fault(CodeUnauthorized, nil, "The client is not known here.")
}

// Gate turns credentials into actors for the doors that are reached over HTTP.
type Gate struct {
	Clients Clients
	// Grants finds what people granted; nil where nobody logs in.
	Grants Grants
	Tokens *auth.Issuer
	// AccessTokens are those of the compatibility door; nil where there is none.
	AccessTokens AccessTokens
}

// For is the gate of some resources: it lets only tokens pass that name one of
// them (RFC 8707 §2).
func (g *Gate) For(resources ...string) *Gate {
	own := *g
	own.Tokens = g.Tokens.For(resources...)
	return &own
}

// AccessToken checks a token of the compatibility door. It stands for all the
// scopes its client holds.
func (g *Gate) AccessToken(ctx context.Context, token string) (Client, Actor, error) {
	if token == "" {
		return Client{}, Actor{}, noAccessToken()
	}
	id, err := g.AccessTokens.TokenClient(ctx, HashAccessToken(token))
	if err != nil {
		return Client{}, Actor{}, err
	}
	if id == "" {
		return Client{}, Actor{}, noAccessToken()
	}
	client, err := g.Clients.Client(ctx, id)
	if err != nil {
		return Client{}, Actor{}, err
	}
	return client, Actor{ClientID: client.ID, Shop: client.Shop, Scopes: client.Scopes, Limits: client.Limits}, nil
}

func noAccessToken() *Error {
	fault := Fault(CodeUnauthorized, nil, "The request carries no access token that is valid here.")
	fault.Fix = "Send X-API-ACCESS-TOKEN with a token that the operator issued by bridge clients token."
	return fault
}

// HashAccessToken is how a token is kept. It is long and random, so a plain
// SHA-256 in hex tells nothing of it.
func HashAccessToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// Bearer checks an Authorization header (RFC 6750 §2.1) and gives the client
// and the actor it speaks for. The token's scopes count only as far as the
// client still holds them and, behind a grant, as far as that and its operator
// still reach: nothing is cached, so all of it holds from the next request on.
func (g *Gate) Bearer(ctx context.Context, authorization string) (Client, Actor, error) {
	scheme, token, found := strings.Cut(authorization, " ")
	if !found || !strings.EqualFold(scheme, "Bearer") {
		return Client{}, Actor{}, Fault(CodeUnauthorized, nil, "The request carries no bearer token.")
	}
	claims, err := g.Tokens.Verify(strings.TrimSpace(token))
	if err != nil {
		return Client{}, Actor{}, Fault(CodeUnauthorized, err, "The access token is not valid: %s.", tokenFault(err))
	}
	client, err := g.Clients.Client(ctx, claims.ClientID)
	if err != nil {
		return Client{}, Actor{}, err
	}
	actor := Actor{ClientID: client.ID, Shop: client.Shop, Scopes: common(claims.Scopes, client.Scopes), Limits: client.Limits}
	if claims.GrantID == "" {
		return client, actor, nil
	}
	grant, err := g.grant(ctx, claims)
	if err != nil {
		return Client{}, Actor{}, err
	}
	actor.ClientID, actor.Scopes = grant.Holder(), common(actor.Scopes, grant.Scopes, grant.OperatorScopes)
	return client, actor, nil
}

// grant finds the live grant behind a token.
func (g *Gate) grant(ctx context.Context, claims auth.Claims) (*Grant, error) {
	ended := Fault(CodeUnauthorized, nil, "What an operator granted to this client has ended.")
	ended.Fix = "Connect the client anew: an operator must log in and agree again."
	if g.Grants == nil {
		return nil, ended
	}
	grant, err := g.Grants.Grant(ctx, claims.GrantID)
	if err != nil {
		return nil, err
	}
	if grant == nil || grant.ClientID != claims.ClientID || !grant.Live(g.Tokens.Time()) {
		return nil, ended
	}
	return grant, nil
}

// tokenFault says what is wrong with a token without showing any of it.
func tokenFault(err error) string {
	if errors.Is(err, auth.ErrTokenExpired) {
		return "it has expired"
	}
	return "it was not issued here for this use"
}
