package bridge

import (
	"context"
	"net/netip"
	"regexp"
	"sync"
	"time"

	"github.com/prestashop-bridge/bridge/auth"
)

// RegisteredClient is a client as the database keeps it: the OAuth secret
// hashed, the signing secrets sealed.
type RegisteredClient struct {
	ID         string
	Shop       string // for life: its request ids and jobs belong to that shop
	SecretHash string
	OldHash    string
	Scopes     []string
	SealedHMAC string
	SealedOld  string // the signing secret before, "" for none
	Limits     map[RateClass]int
	Sources    []netip.Prefix
	CreatedAt  time.Time
	RevokedAt  *time.Time
	Metadata   ClientMetadata
}

// Registry is the store as the keeper of clients.
type Registry interface {
	// RegisteredClient loads a client; nil when there is none of that id.
	RegisteredClient(ctx context.Context, id string) (*RegisteredClient, error)
	RegisteredClients(ctx context.Context) ([]RegisteredClient, error)
	// AmendClient loads a client under a lock (nil when there is none), and
	// stores what change makes of it together with the decision. A new client's
	// shop must be there: else NoShop.
	AmendClient(ctx context.Context, d Decision, change func(*RegisteredClient) (RegisteredClient, error)) error
}

// Directory finds clients: first those of the settings, then the registered
// ones. Nothing is cached, so a revocation holds from the next request on.
type Directory struct {
	Fixed    FixedClients
	Registry Registry
	Sealer   *auth.Sealer
	// Documents admits clients by the URL of their metadata document; nil admits
	// none.
	Documents Documents
}

// Client finds a client by id; CodeUnauthorized when there is none, or none
// any more.
func (d Directory) Client(ctx context.Context, id string) (Client, error) {
	if client, err := d.Fixed.Client(ctx, id); err == nil {
		return client, nil
	}
	if IsDocumentURL(id) {
		return d.documented(id)
	}
	r, err := d.Registry.RegisteredClient(ctx, id)
	if err != nil {
		return Client{}, err
	}
	if r == nil || r.RevokedAt != nil {
		return Client{}, Fault(CodeUnauthorized, nil, "The client is not known here.")
	}
	client := Client{ID: r.ID, Shop: r.Shop, SecretHash: r.SecretHash, OldHash: r.OldHash, Scopes: r.Scopes, Limits: r.Limits, Sources: r.Sources, Metadata: r.Metadata}
	for _, sealed := range []string{r.SealedHMAC, r.SealedOld} {
		if sealed == "" {
			continue
		}
		secret, err := d.Sealer.Open(sealed, sealedFor(r.ID))
		if err != nil {
			return Client{}, Fault(CodeInternal, err, "The client's signing secret cannot be read.")
		}
		client.HMACSecrets = append(client.HMACSecrets, secret)
	}
	return client, nil
}

// documented is a client known by its document's URL: it can only act for
// people, whose grants bound its scopes.
func (d Directory) documented(id string) (Client, error) {
	if d.Documents == nil || !d.Documents.Admits(id) {
		return Client{}, Fault(CodeUnauthorized, nil, "The client is not known here.")
	}
	return Client{ID: id, Scopes: allScopes, Metadata: ClientMetadata{AuthMethod: AuthNothing}}, nil
}

// sealedFor ties a sealed signing secret to its client.
func sealedFor(clientID string) string { return "hmac of " + clientID }

// The operator's actions on clients.
const (
	ActionClientAdd          = "client-add"
	ActionClientRotateSecret = "client-rotate-secret"
	ActionClientRotateHMAC   = "client-rotate-hmac"
	ActionClientRevoke       = "client-revoke"
	ActionClientLimits       = "client-limits"
	ActionClientToken        = "client-token"
	ActionClientTokenRevoke  = "client-token-revoke"
)

// Registrar is the operator's hand on the clients.
type Registrar struct {
	Registry Registry
	Sealer   *auth.Sealer
	Fixed    FixedClients
	Now      func() time.Time
	// AccessTokens keeps the tokens of the compatibility door.
	AccessTokens AccessTokens
}

// Credentials are a client's new secrets in the clear. They are shown once and
// kept nowhere.
type Credentials struct {
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret,omitempty"`
	HMACSecret   string `json:"hmac_secret,omitempty"`
	AccessToken  string `json:"access_token,omitempty"`
}

// clientIDPattern keeps ids readable in logs, URLs and tokens.
var clientIDPattern = pattern(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// pattern is compiled when it is first needed: counted repetitions take long to
// compile, and a door that is started for each conversation seldom meets one.
func pattern(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}

// Add registers a client with new secrets.
func (r *Registrar) Add(ctx context.Context, operator, reason string, client RegisteredClient) (Credentials, error) {
	if !clientIDPattern().MatchString(client.ID) {
		return Credentials{}, Fault(CodeInvalidRequest, nil, "A client id has 1 to 64 letters, digits, dots, dashes and underscores.")
	}
	if err := client.Metadata.Check(); err != nil {
		return Credentials{}, err
	}
	if !auth.Subset(client.Scopes, allScopes) || len(client.Scopes) == 0 {
		return Credentials{}, Fault(CodeInvalidRequest, nil, "The scopes are %s, %s and %s; at least one.", auth.ScopeRead, auth.ScopeWrite, auth.ScopePII)
	}
	fresh := newCredentials(client)
	err := r.amend(ctx, Decision{Operator: operator, Action: ActionClientAdd, Subject: client.ID, Reason: reason}, func(known *RegisteredClient) (RegisteredClient, error) {
		if _, err := r.Fixed.Client(ctx, client.ID); err == nil || known != nil {
			return client, Fault(CodeInvalidRequest, nil, "There is a client %s already.", client.ID)
		}
		if fresh.ClientSecret != "" {
			client.SecretHash = auth.HashSecret(fresh.ClientSecret)
		}
		if fresh.HMACSecret != "" {
			client.SealedHMAC = r.Sealer.Seal(fresh.HMACSecret, sealedFor(client.ID))
		}
		client.CreatedAt = r.Now().UTC()
		return client, nil
	})
	if err != nil {
		return Credentials{}, err
	}
	return fresh, nil
}

// newCredentials makes the secrets a client has use for: a public client could
// keep none, and one with keys of its own needs none to get tokens.
func newCredentials(c RegisteredClient) Credentials {
	fresh := Credentials{ClientID: c.ID}
	if c.Metadata.AuthMethod == "" || c.Metadata.AuthMethod == AuthSecret {
		fresh.ClientSecret = auth.NewSecret()
	}
	if !c.Metadata.Public() {
		fresh.HMACSecret = auth.NewSecret()
	}
	return fresh
}

// RotateSecret gives the client a new OAuth secret; the one before goes on
// working until the next rotation.
func (r *Registrar) RotateSecret(ctx context.Context, operator, reason, id string) (Credentials, error) {
	fresh := Credentials{ClientID: id, ClientSecret: auth.NewSecret()}
	return fresh, r.amendKnown(ctx, Decision{Operator: operator, Action: ActionClientRotateSecret, Subject: id, Reason: reason}, func(c *RegisteredClient) {
		c.SecretHash, c.OldHash = auth.HashSecret(fresh.ClientSecret), c.SecretHash
	})
}

// RotateHMAC gives the client a new signing secret; the one before goes on
// signing until the next rotation.
func (r *Registrar) RotateHMAC(ctx context.Context, operator, reason, id string) (Credentials, error) {
	fresh := Credentials{ClientID: id, HMACSecret: auth.NewSecret()}
	return fresh, r.amendKnown(ctx, Decision{Operator: operator, Action: ActionClientRotateHMAC, Subject: id, Reason: reason}, func(c *RegisteredClient) {
		c.SealedHMAC, c.SealedOld = r.Sealer.Seal(fresh.HMACSecret, sealedFor(id)), c.SealedHMAC
	})
}

// IssueToken gives a client a token for the compatibility door, in place of
// the one it had. The client of the settings can have one too.
func (r *Registrar) IssueToken(ctx context.Context, operator, reason, id string) (Credentials, error) {
	fresh := Credentials{ClientID: id, AccessToken: auth.NewSecret()}
	return fresh, r.setToken(ctx, Decision{Operator: operator, Action: ActionClientToken, Subject: id, Reason: reason}, HashAccessToken(fresh.AccessToken))
}

// RevokeToken leaves a client without a token for the compatibility door.
func (r *Registrar) RevokeToken(ctx context.Context, operator, reason, id string) error {
	return r.setToken(ctx, Decision{Operator: operator, Action: ActionClientTokenRevoke, Subject: id, Reason: reason}, "")
}

func (r *Registrar) setToken(ctx context.Context, d Decision, hash string) error {
	if err := d.complete(r.Now()); err != nil {
		return err
	}
	known := Directory{Fixed: r.Fixed, Registry: r.Registry, Sealer: r.Sealer}
	if _, err := known.Client(ctx, d.Subject); err != nil {
		return Fault(CodeNotFound, err, "There is no client %.64s, or it was revoked.", d.Subject)
	}
	return r.AccessTokens.SetAccessToken(ctx, d, d.Subject, hash)
}

// Revoke ends a client: its tokens stop working with the next request.
func (r *Registrar) Revoke(ctx context.Context, operator, reason, id string) error {
	return r.amendKnown(ctx, Decision{Operator: operator, Action: ActionClientRevoke, Subject: id, Reason: reason}, func(c *RegisteredClient) {
		at := r.Now().UTC()
		c.RevokedAt = &at
	})
}

// Limit sets what a client may do a minute and from where.
func (r *Registrar) Limit(ctx context.Context, operator, reason, id string, limits map[RateClass]int, sources []netip.Prefix) error {
	return r.amendKnown(ctx, Decision{Operator: operator, Action: ActionClientLimits, Subject: id, Reason: reason}, func(c *RegisteredClient) {
		c.Limits, c.Sources = limits, sources
	})
}

// amendKnown changes a client that is there and not revoked.
func (r *Registrar) amendKnown(ctx context.Context, d Decision, change func(*RegisteredClient)) error {
	return r.amend(ctx, d, func(known *RegisteredClient) (RegisteredClient, error) {
		if known == nil {
			return RegisteredClient{}, Fault(CodeNotFound, nil, "There is no registered client %.64s; the client of the settings is changed there.", d.Subject)
		}
		if known.RevokedAt != nil {
			return *known, Fault(CodeUnprocessable, nil, "The client %s was revoked; add a new one.", known.ID)
		}
		if d.Action == ActionClientRotateSecret && known.SecretHash == "" || d.Action == ActionClientRotateHMAC && known.SealedHMAC == "" {
			return *known, Fault(CodeUnprocessable, nil, "The client %s has no secret of that kind: it is public, or signs with keys of its own.", known.ID)
		}
		change(known)
		return *known, nil
	})
}

func (r *Registrar) amend(ctx context.Context, d Decision, change func(*RegisteredClient) (RegisteredClient, error)) error {
	if err := d.complete(r.Now()); err != nil {
		return err
	}
	return r.Registry.AmendClient(ctx, d, change)
}
