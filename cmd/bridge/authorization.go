package main

import (
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/egress"
	"github.com/prestashop-bridge/bridge/login"
	"github.com/prestashop-bridge/bridge/policies"
)

// authorization is what the doors reached over HTTP know their callers by.
type authorization struct {
	gate    *bridge.Gate
	grantor *bridge.Grantor
	login   *login.Door
}

// authorization opens the keys and ties clients, operators and grants to them.
func (p *parts) authorization() (*authorization, error) {
	c := p.config
	keys, err := auth.OpenKeyRing(c.privateKeyPath, c.publicKeyPath, p.log)
	if err != nil {
		return nil, fmt.Errorf("JWT keys: %w", err)
	}
	mcp := c.baseURL + "/mcp"
	documents := login.NewDocuments(c.documentClient(), c.clientDocuments, time.Now)
	clients := bridge.Directory{Fixed: c.fixedClients(), Registry: p.store, Sealer: p.sealer, Documents: documents}
	issuer := &auth.Issuer{Keys: keys, URL: c.baseURL, Audience: []string{c.baseURL, mcp}, TTL: c.tokenTTL, Verified: new(auth.Verified)}
	gate := &bridge.Gate{Clients: clients, Grants: p.store, Tokens: issuer, AccessTokens: p.store}
	grantor := &bridge.Grantor{
		Gate: gate, Documents: documents, Accounts: p.store,
		TokenEndpoint: c.baseURL + "/oauth/token", Resource: mcp, Idle: c.refreshIdle, Longest: c.grantLongest, Now: time.Now,
	}
	return &authorization{
		gate:    gate,
		grantor: grantor,
		login: &login.Door{
			Grantor: grantor, Sealer: p.sealer, BaseURL: c.baseURL, Shop: c.shopOf,
			Sources: auth.Sources{Allowed: c.allowedSources, Proxies: c.trustedProxies}, Record: p.desk.Record, Now: time.Now, Log: p.log,
		},
	}, nil
}

// documentClient fetches metadata documents and key sets. Hosts that the
// operator names may be private, as their apps may be.
func (c config) documentClient() *egress.Client {
	return egress.NewClient(policies.Book{AllowedHosts: c.namedDocumentHosts()}, egress.Options{Timeout: login.FetchTimeout})
}

func (c config) namedDocumentHosts() []string {
	if slices.Contains(c.clientDocuments, "any") || slices.Contains(c.clientDocuments, "off") {
		return nil
	}
	return c.clientDocuments
}

// shopOf is what the pages call a client's shop: its name, or the address of
// the one in the settings.
func (c config) shopOf(client bridge.Client) string {
	if client.Shop != "" {
		return client.Shop
	}
	u, err := url.Parse(c.shopURL)
	if err != nil || u.Host == "" {
		return "default"
	}
	return u.Host
}

// gate is the bearer check alone.
func (p *parts) gate() (*bridge.Gate, error) {
	access, err := p.authorization()
	if err != nil {
		return nil, err
	}
	return access.gate, nil
}
