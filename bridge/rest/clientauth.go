package rest

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
)

// assertionType is the one value of client_assertion_type (RFC 7523 §2.2).
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// proof is how a client says who it is: by a secret, by an assertion, or, with
// neither, by its id alone.
type proof struct {
	client    string
	secret    string
	assertion string
}

// readProof takes one way of authentication and never two (RFC 6749 §2.3).
// client_id may stand in the form beside any of them if it says the same: some
// clients always send it.
func readProof(header http.Header, form url.Values) (proof, *oauthError) {
	var p proof
	var fault *oauthError
	basic, asserted := header.Values("Authorization"), form.Has("client_assertion") || form.Has("client_assertion_type")
	switch {
	case len(basic) > 1 || len(basic) == 1 && (asserted || form.Has("client_secret")) || asserted && form.Has("client_secret"):
		return proof{}, invalidRequest("Credentials were sent in more than one way.")
	case len(basic) == 1:
		p, fault = readBasic(header)
	case asserted:
		p, fault = readAssertion(form)
	default:
		p = proof{client: form.Get("client_id"), secret: form.Get("client_secret")}
	}
	switch {
	case fault != nil:
		return proof{}, fault
	case p.client == "" || form.Has("client_secret") && p.secret == "":
		return proof{}, invalidClient("The request carries no client credentials.")
	case form.Has("client_id") && form.Get("client_id") != p.client:
		return proof{}, invalidRequest("client_id differs from the other credentials.")
	}
	return p, nil
}

// readBasic takes HTTP Basic, whose halves are form-urlencoded (RFC 6749
// §2.3.1).
func readBasic(header http.Header) (proof, *oauthError) {
	user, password, valid := (&http.Request{Header: header}).BasicAuth()
	client, errClient := url.QueryUnescape(user)
	secret, errSecret := url.QueryUnescape(password)
	if !valid || errClient != nil || errSecret != nil || secret == "" {
		return proof{}, invalidClient("The Authorization header is not HTTP Basic with form-urlencoded halves.")
	}
	return proof{client: client, secret: secret}, nil
}

func readAssertion(form url.Values) (proof, *oauthError) {
	if form.Get("client_assertion_type") != assertionType {
		return proof{}, invalidRequest("client_assertion_type must be " + assertionType + ".")
	}
	client, err := auth.AssertionClient(form.Get("client_assertion"))
	if err != nil {
		return proof{}, invalidClient("The client assertion cannot be read.")
	}
	return proof{client: client, assertion: form.Get("client_assertion")}, nil
}

// identify finds out which client asks, counts the attempt and checks where it
// comes from.
func (t *tokenCounter) identify(c *call, form url.Values) (bridge.Client, *oauthError) {
	shown, fault := readProof(c.r.Header, form)
	if fault != nil {
		return bridge.Client{}, fault
	}
	source := t.origins.Address(c.r)
	if wait, allowed := t.attempts.Take(source, shown.client); !allowed {
		return bridge.Client{}, tooManyAttempts(wait)
	}
	client, fault := t.authenticate(c, shown)
	if fault != nil {
		return bridge.Client{}, fault
	}
	c.client, c.shop = client.Label(), client.Shop
	if !client.MayCallFrom(source) {
		return bridge.Client{}, sourceRefused()
	}
	return client, nil
}

// authenticate finds the client and checks its proof, which must be of the
// kind it is registered for: a client with keys is not let in by less.
func (t *tokenCounter) authenticate(c *call, shown proof) (bridge.Client, *oauthError) {
	client, err := t.grantor.Client(c.r.Context(), shown.client)
	unknown := err != nil && isUnknown(err)
	switch {
	case err != nil && !unknown:
		return bridge.Client{}, oauthFault(err)
	case shown.secret != "":
		return t.checkSecret(c, client, shown.secret)
	case unknown:
		return bridge.Client{}, invalidClient("The client credentials are not valid.")
	case shown.assertion != "":
		if err := t.grantor.Assert(c.r.Context(), client, shown.assertion); err != nil {
			return bridge.Client{}, oauthFault(err)
		}
		return client, nil
	case !client.Metadata.Public():
		return bridge.Client{}, invalidClient("The request carries no client credentials.")
	}
	return client, nil
}

func isUnknown(err error) bool {
	var known *bridge.Error
	return errors.As(err, &known) && known.Code == bridge.CodeUnauthorized
}

// checkSecret compares the secret. An unknown client costs the same comparison
// as a wrong secret, and both hear the same.
func (t *tokenCounter) checkSecret(c *call, client bridge.Client, secret string) (bridge.Client, *oauthError) {
	if method := client.Metadata.AuthMethod; method != "" && method != bridge.AuthSecret {
		client = bridge.Client{}
	}
	select {
	case t.hashing <- struct{}{}:
		defer func() { <-t.hashing }()
	case <-c.r.Context().Done():
		return bridge.Client{}, unavailable(c.r.Context().Err())
	}
	if !client.SecretMatches(secret) {
		return bridge.Client{}, invalidClient("The client credentials are not valid.")
	}
	return client, nil
}
