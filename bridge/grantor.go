package bridge

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/prestashop-bridge/bridge/auth"
)

// Documents finds what clients say of themselves elsewhere: metadata documents
// and key sets, behind addresses that strangers chose.
type Documents interface {
	// Admits reports whether clients known by this document's URL may log in,
	// without asking for it.
	Admits(url string) bool
	// Metadata fetches the document (draft-ietf-oauth-client-id-metadata-document);
	// a *Refusal when it cannot be had or does not hold.
	Metadata(ctx context.Context, url string) (ClientMetadata, error)
	// Keys fetches a jwks_uri. With fresh it looks again, because a signature
	// names a key that the set it knows does not hold.
	Keys(ctx context.Context, url string, fresh bool) (auth.WebKeys, error)
}

// CodeLife is how long an authorization code may lie: the client comes for its
// tokens as soon as the browser has handed it over.
const CodeLife = time.Minute

// Grantor is the authorization server's side that people take part in: logging
// in, granting, and what clients do with a grant.
type Grantor struct {
	*Gate     // whose tokens it makes
	Documents Documents
	Accounts  Accounts
	// TokenEndpoint is the other audience of client assertions, beside the issuer.
	TokenEndpoint string
	// Resource is what a grant is for when the client names none (RFC 8707).
	Resource string
	// Idle is how long a refresh token may lie unused, Longest how long a grant
	// lasts at most.
	Idle, Longest time.Duration
	Now           func() time.Time
}

// Client finds a client with all that is known of it; CodeUnauthorized when
// there is none.
func (g *Grantor) Client(ctx context.Context, id string) (Client, error) {
	client, err := g.Clients.Client(ctx, id)
	if err != nil || !IsDocumentURL(client.ID) {
		return client, err
	}
	client.Metadata, err = g.Documents.Metadata(ctx, id)
	return client, err
}

// SignIn finds the account of a name and password; nil when they do not match.
// An unknown name takes as long as a wrong password.
func (g *Grantor) SignIn(ctx context.Context, name, password string) (*Account, error) {
	account, err := g.Accounts.Account(ctx, name)
	if err != nil {
		return nil, err
	}
	hash := ""
	if account != nil && account.RemovedAt == nil {
		hash = account.PasswordHash
	}
	if len(password) > mostPassword || !auth.SecretMatches(hash, password) {
		return nil, nil
	}
	return account, nil
}

// Grantable are the scopes an operator can grant a client that asks for some;
// without any named, those that open tools. Customer data is only ever granted
// by name.
func (g *Grantor) Grantable(asked []string, client Client, account Account) []string {
	if len(asked) == 0 {
		asked = []string{auth.ScopeRead, auth.ScopeWrite}
	}
	return common(asked, client.Scopes, account.Scopes)
}

// Approval is what an operator agreed to.
type Approval struct {
	Client      Client
	Account     Account
	RedirectURI string
	Challenge   string
	Scopes      []string // some of Grantable
	Resources   []string // empty: the deployment's default
}

// Approve writes the grant down and gives the code for the client.
func (g *Grantor) Approve(ctx context.Context, a Approval) (string, error) {
	now, code := g.Now().UTC(), auth.NewSecret()
	resources := a.Resources
	if len(resources) == 0 {
		resources = []string{g.Resource}
	}
	grant := Grant{
		ID: uuid.Must(uuid.NewV7()).String(), ClientID: a.Client.ID, Operator: a.Account.Name,
		Scopes: a.Scopes, Resources: resources, CreatedAt: now, ExpiresAt: now.Add(g.Longest),
	}
	kept := AuthorizationCode{Hash: auth.TokenHash(code), RedirectURI: a.RedirectURI, Challenge: a.Challenge, ExpiresAt: now.Add(CodeLife)}
	d := Decision{Operator: grant.Operator, Action: ActionGrantApprove, Subject: grant.Holder(), Reason: "grants " + strings.Join(grant.Scopes, " "), At: now}
	return code, g.Grants.OpenGrant(ctx, grant, kept, d)
}

// Tokens are what a client gets for a code or a refresh token.
type Tokens struct {
	Access    string
	ExpiresIn time.Duration
	Scopes    []string
	Refresh   string
}

// Redemption is an authorization code as its client presents it (RFC 6749
// §4.1.3, RFC 7636 §4.5, RFC 8707 §2.2).
type Redemption struct {
	Code, RedirectURI, Verifier string
	Resources                   []string // some of the grant's; empty: all of them
}

// Redeem turns a code into tokens. Only the client it was made for can, with
// the verifier it kept, once.
func (g *Grantor) Redeem(ctx context.Context, client Client, r Redemption) (Tokens, error) {
	refresh, kept := g.newRefresh()
	grant, err := g.Grants.RedeemCode(ctx, auth.TokenHash(r.Code), kept, g.replay("an authorization code was used twice"), func(known Grant, c AuthorizationCode) error {
		now := g.Now()
		switch {
		case known.ClientID != client.ID:
			return refused(InvalidGrant, "The code was made for another client.")
		case !known.Live(now) || !now.Before(c.ExpiresAt):
			return refused(InvalidGrant, "The code has expired; authorize again.")
		case r.RedirectURI != c.RedirectURI:
			return refused(InvalidGrant, "redirect_uri is not the one the code was sent to.")
		case !auth.ChallengeMet(c.Challenge, r.Verifier):
			return refused(InvalidGrant, "code_verifier does not fit the code_challenge.")
		case !auth.Subset(r.Resources, known.Resources):
			return refused(InvalidTarget, "The code was not granted for this resource.")
		}
		return nil
	})
	if err != nil {
		return Tokens{}, err
	}
	return g.issue(grant, client, nil, r.Resources, refresh)
}

// Refresh turns a refresh token into new tokens and uses it up. A token that
// comes a second time ends the grant (RFC 9700 §4.14.2): either time it may
// have been a thief. There is no grace for an answer that was lost, for it
// would be the thief's too; the person connects the app anew.
func (g *Grantor) Refresh(ctx context.Context, client Client, token string, scopes, resources []string) (Tokens, error) {
	refresh, next := g.newRefresh()
	grant, err := g.Grants.RotateRefresh(ctx, auth.TokenHash(token), next, g.replay("a refresh token was used twice"), func(known Grant, t RefreshToken) error {
		now := g.Now()
		switch {
		case known.ClientID != client.ID:
			return refused(InvalidGrant, "The refresh token was made for another client.")
		case !known.Live(now) || !now.Before(t.ExpiresAt):
			return refused(InvalidGrant, "The refresh token has expired; authorize again.")
		case !auth.Subset(scopes, known.Scopes):
			return refused(InvalidScope, "A refresh cannot add scopes.")
		case !auth.Subset(resources, known.Resources):
			return refused(InvalidTarget, "The refresh token was not granted for this resource.")
		}
		return nil
	})
	if err != nil {
		return Tokens{}, err
	}
	return g.issue(grant, client, scopes, resources, refresh)
}

func (g *Grantor) newRefresh() (token string, kept RefreshToken) {
	token = auth.NewSecret()
	return token, RefreshToken{Hash: auth.TokenHash(token), ExpiresAt: g.Now().UTC().Add(g.Idle)}
}

// replay is the decision that the store writes down by itself when a token
// comes twice.
func (g *Grantor) replay(reason string) Decision {
	return Decision{Operator: "bridge", Action: ActionGrantReplay, Reason: reason, At: g.Now().UTC()}
}

func (g *Grantor) issue(grant Grant, client Client, scopes, resources []string, refresh string) (Tokens, error) {
	if len(scopes) == 0 {
		scopes = grant.Scopes
	}
	if len(resources) == 0 {
		resources = grant.Resources
	}
	scopes = common(scopes, client.Scopes, grant.OperatorScopes)
	access, expiresIn, err := g.Tokens.For(resources...).IssueGranted(grant.ClientID, grant.Holder(), grant.ID, scopes)
	return Tokens{Access: access, ExpiresIn: expiresIn, Scopes: scopes, Refresh: refresh}, err
}

// Revoke ends the grant behind a refresh or access token (RFC 7009 §2.1). A
// token that is none of the client's is no error: it has ended for it.
func (g *Grantor) Revoke(ctx context.Context, client Client, token string) error {
	grant, err := g.Grants.GrantOfRefresh(ctx, auth.TokenHash(token))
	if err != nil {
		return err
	}
	if grant == nil {
		claims, err := g.Tokens.Verify(token)
		if err != nil || claims.ClientID != client.ID {
			return nil
		}
		if claims.GrantID == "" {
			return refused(UnsupportedTokenType, "This access token ends by itself; only what an operator granted can be revoked.")
		}
		if grant, err = g.Grants.Grant(ctx, claims.GrantID); err != nil {
			return err
		}
	}
	if grant == nil || grant.ClientID != client.ID {
		return nil
	}
	return g.Grants.RevokeGrant(ctx, grant.ID, Decision{Operator: clientLabel(client.ID), Action: ActionGrantRevoke, Subject: grant.Holder(), Reason: "the client revoked its token", At: g.Now().UTC()})
}

// Assert checks a client assertion (RFC 7523 §2.2) and uses its jti up, on all
// nodes. A key that is not known is looked for once more, as clients rotate
// their keys without telling.
func (g *Grantor) Assert(ctx context.Context, client Client, assertion string) error {
	if client.Metadata.AuthMethod != AuthKey {
		return refused(InvalidClient, "The client is not registered for private_key_jwt.")
	}
	verified, err := g.verify(ctx, client, assertion)
	if err != nil {
		return err
	}
	fresh, err := g.Grants.UseAssertion(ctx, client.ID, verified.ID, verified.ExpiresAt)
	if err == nil && !fresh {
		err = refused(InvalidClient, "The assertion's jti was used before; each request needs a new one.")
	}
	return err
}

func (g *Grantor) verify(ctx context.Context, client Client, assertion string) (auth.Assertion, error) {
	audience, why := []string{g.Tokens.URL, g.TokenEndpoint}, error(nil)
	for _, fresh := range []bool{false, true} {
		keys, err := g.keys(ctx, client.Metadata, fresh)
		if err != nil {
			return auth.Assertion{}, err
		}
		verified, err := auth.VerifyAssertion(assertion, client.ID, keys, audience, g.Now())
		if err == nil {
			return verified, nil
		}
		why = err
		if client.Metadata.KeysURI == "" || !auth.UnknownKey(err) {
			break
		}
	}
	return auth.Assertion{}, refused(InvalidClient, capitalised(strings.TrimPrefix(why.Error(), auth.ErrInvalidAssertion.Error()+": "))+".")
}

func (g *Grantor) keys(ctx context.Context, m ClientMetadata, fresh bool) (auth.WebKeys, error) {
	if m.KeysURI != "" {
		return g.Documents.Keys(ctx, m.KeysURI, fresh)
	}
	return auth.ParseWebKeys(m.Keys)
}

func capitalised(sentence string) string {
	return strings.ToUpper(sentence[:min(1, len(sentence))]) + sentence[min(1, len(sentence)):]
}

// Offers reports whether all resources are of this deployment.
func (g *Grantor) Offers(resources []string) bool {
	return !slices.ContainsFunc(resources, func(r string) bool { return !slices.Contains(g.Tokens.Audience, r) })
}
