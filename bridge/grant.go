package bridge

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prestashop-bridge/bridge/auth"
)

// Grant is what an operator let a client do in their name.
type Grant struct {
	ID        string // UUID v7
	ClientID  string // a registered id, or the URL of a metadata document
	Operator  string
	Scopes    []string
	Resources []string // of the deployment, by RFC 8707; at least one
	CreatedAt time.Time
	ExpiresAt time.Time // whatever is refreshed meanwhile
	RevokedAt *time.Time
	// OperatorScopes are what the operator may grant now, none once the account
	// is removed. They are looked up, not part of the grant.
	OperatorScopes []string
}

// Holder is who acts by the grant: this client for this operator. It is the
// Actor's ClientID, so request ids and jobs belong to the pair, also when the
// app is connected anew.
func (g Grant) Holder() string { return clientLabel(g.ClientID) + "/" + g.Operator }

// Live reports whether the grant counts at a time.
func (g Grant) Live(now time.Time) bool {
	return g.RevokedAt == nil && now.Before(g.ExpiresAt) && len(g.OperatorScopes) > 0
}

const (
	labelHost   = 64 // bytes of the host that a label shows
	labelDigits = 12 // hex digits of the hash behind it
)

// clientLabel is a client's id as it stands in jobs, logs and audit. A URL, which
// the client chose, is named by its host and a hash: "~" stands in no
// registered id.
func clientLabel(id string) string {
	if !IsDocumentURL(id) {
		return id
	}
	host := "unnamed"
	if u, err := url.Parse(id); err == nil {
		host = u.Hostname()
	}
	sum := sha256.Sum256([]byte(id))
	return host[:min(len(host), labelHost)] + "~" + hex.EncodeToString(sum[:])[:labelDigits]
}

// Label names the client in logs.
func (c Client) Label() string { return clientLabel(c.ID) }

// IsDocumentURL reports whether a client id names a metadata document: no
// registered id has a colon.
func IsDocumentURL(id string) bool { return strings.HasPrefix(id, "https://") }

// AuthorizationCode is a code as it is kept: by its hash.
type AuthorizationCode struct {
	Hash        string // auth.TokenHash
	RedirectURI string
	Challenge   string // S256
	ExpiresAt   time.Time
}

// RefreshToken is a refresh token as it is kept: by its hash.
type RefreshToken struct {
	Hash      string // auth.TokenHash
	ExpiresAt time.Time
}

// Grants is the store as the keeper of grants. Each method is one transaction.
type Grants interface {
	// OpenGrant writes a grant with the code that stands for it, and the decision.
	OpenGrant(ctx context.Context, g Grant, c AuthorizationCode, d Decision) error
	// Grant loads a grant; nil when there is none of that id.
	Grant(ctx context.Context, id string) (*Grant, error)
	// RedeemCode uses a code up and keeps the first refresh token in its place,
	// if judge has nothing against it; an error of judge leaves all as it was.
	// A code used before ends its grant, with the decision, whose subject the
	// store fills in, and gives ErrUsedBefore; an unknown one gives ErrUnknownToken.
	RedeemCode(ctx context.Context, hash string, first RefreshToken, replayed Decision, judge func(Grant, AuthorizationCode) error) (Grant, error)
	// RotateRefresh uses a refresh token up and keeps the next in its place, with
	// the same answers as RedeemCode.
	RotateRefresh(ctx context.Context, hash string, next RefreshToken, replayed Decision, judge func(Grant, RefreshToken) error) (Grant, error)
	// GrantOfRefresh finds the grant of a refresh token, used ones too; nil when
	// there is none.
	GrantOfRefresh(ctx context.Context, hash string) (*Grant, error)
	// RevokeGrant ends a grant, with the decision; one that has ended stays so.
	RevokeGrant(ctx context.Context, id string, d Decision) error
	// UseAssertion notes the id of a client assertion; false when it was noted
	// before. It may be forgotten after until.
	UseAssertion(ctx context.Context, clientID, id string, until time.Time) (bool, error)
}

// Answers of Grants that are not faults of the store.
var (
	ErrUnknownToken = &Refusal{Name: InvalidGrant, Description: "The code or refresh token is not known here."}
	ErrUsedBefore   = &Refusal{Name: InvalidGrant, Description: "The code or refresh token was used before. What was granted with it has ended; authorize again."}
)

// The actions on grants.
const (
	ActionGrantApprove = "grant-approve"
	ActionGrantRevoke  = "grant-revoke"
	ActionGrantReplay  = "grant-replay"
)

// The error names of OAuth that use cases answer with (RFC 6749 §4.1.2.1 and
// §5.2, RFC 8707 §2).
const (
	InvalidRequest     = "invalid_request"
	InvalidClient      = "invalid_client"
	InvalidGrant       = "invalid_grant"
	InvalidScope       = "invalid_scope"
	InvalidTarget      = "invalid_target"
	UnauthorizedClient = "unauthorized_client"
	// UnsupportedTokenType is RFC 7009 §2.2.1.
	UnsupportedTokenType = "unsupported_token_type"
	// TemporarilyUnavailable: somebody else's server does not answer.
	TemporarilyUnavailable = "temporarily_unavailable"
)

// Refusal is an answer of the authorization server in OAuth's own words.
type Refusal struct {
	Name        string // one of the names above
	Description string // ASCII without quotes and backslashes (RFC 6749 §5.2)
}

// Error is both.
func (r *Refusal) Error() string { return r.Name + ": " + r.Description }

func refused(name, description string) error { return &Refusal{Name: name, Description: description} }

// allScopes are every scope there is.
var allScopes = []string{auth.ScopeRead, auth.ScopeWrite, auth.ScopePII}

// common are the scopes of list that every other list has too.
func common(list []string, others ...[]string) []string {
	kept := []string{}
	for _, scope := range list {
		if !slices.ContainsFunc(others, func(other []string) bool { return !slices.Contains(other, scope) }) {
			kept = append(kept, scope)
		}
	}
	return kept
}
