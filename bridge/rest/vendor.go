package rest

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/prestashop-bridge/bridge/bridge"
)

// The compatibility door serves the webhook resource to clients written for
// Youhaosuda's open API: the same use cases behind another proof of who asks.
const (
	vendorShopPath    = "/shop"
	vendorRoot        = "/webhooks"
	accessTokenHeader = "X-API-ACCESS-TOKEN"
	callLimitHeader   = "X-YHSD-SHOP-API-CALL-LIMIT"
	overrideHeader    = "X-HTTP-Method-Override"
	// maxVendorBody is far above a webhook of theirs.
	maxVendorBody = 64 << 10
)

// vendorPath is where a resource stands at the compatibility door; those that
// the vendor's API does not have are not there.
func vendorPath(r bridge.Resource) (string, bool) {
	switch r.Name {
	case bridge.OpListWebhooks, bridge.OpCountWebhooks, bridge.OpGetWebhook, bridge.OpCreateWebhook, bridge.OpUpdateWebhook, bridge.OpDeleteWebhook:
		return strings.TrimPrefix(r.Path, "/v1"), true
	}
	return "", false
}

// overridden lets a POST to the compatibility door stand for the method it
// names: the vendor's PHP client sends every call with that header. Only there,
// and only for a POST, which no cache and no browser form can be made to
// mistake for a read.
func overridden(r *http.Request) *http.Request {
	method := strings.ToUpper(r.Header.Get(overrideHeader))
	vendor := r.URL.Path == vendorRoot || strings.HasPrefix(r.URL.Path, vendorRoot+"/") || r.URL.Path == vendorShopPath
	if !vendor || r.Method != http.MethodPost {
		return r
	}
	switch method {
	case http.MethodGet, http.MethodPut, http.MethodDelete:
		meant := r.Clone(r.Context())
		meant.Method = method
		return meant
	}
	return r
}

// vendorDoor admits a call by its access token.
type vendorDoor struct {
	desk     *bridge.Desk
	gate     *bridge.Gate
	webhooks *bridge.Subscriptions
	buckets  bridge.Buckets
	origins  sources
	shopURL  func(ctx context.Context, shop string) (string, error)
}

func newVendorDoor(d *Door, origins sources) *vendorDoor {
	return &vendorDoor{desk: d.Desk, gate: d.Gate, webhooks: d.Webhooks, buckets: d.Buckets, origins: origins, shopURL: d.ShopURL}
}

func (d *vendorDoor) serve(c *call, r bridge.Resource) error {
	actor, err := d.admit(c, r.Operation)
	if err != nil {
		return err
	}
	request := bridge.ResourceRequest{Name: r.Name, ID: c.value, Lenient: true}
	if request.Query, err = queryOf(c); err != nil {
		return err
	}
	if r.Takes {
		if request.Body, err = vendorBody(c); err != nil {
			return err
		}
	}
	return answerResource(c, d.webhooks, actor, request)
}

// serveShop answers GET /shop, which the vendor's clients ask for the key that
// their webhooks are signed with.
func (d *vendorDoor) serveShop(c *call) error {
	actor, err := d.admit(c, shopOperation)
	if err != nil {
		return err
	}
	token, err := d.webhooks.Token(c.r.Context(), actor)
	if err != nil {
		return err
	}
	address, err := d.shopURL(c.r.Context(), actor.Shop)
	if err != nil {
		return err
	}
	shop := vendorShop{URL: address, WebhookToken: token}
	if u, err := url.Parse(address); err == nil {
		shop.Domain, shop.Name = u.Host, u.Hostname()
	}
	c.answered = bridge.RequestRead
	return c.writeJSON(http.StatusOK, vendorShopEnvelope{shop})
}

// vendorShop is the part of the vendor's shop that the bridge knows.
type vendorShop struct {
	Name         string `json:"name"`
	Domain       string `json:"domain"`
	URL          string `json:"url"`
	WebhookToken string `json:"webhook_token"`
}

type vendorShopEnvelope struct {
	Shop vendorShop `json:"shop"`
}

// shopOperation is what the compatibility door has of its own.
var shopOperation = func() bridge.Operation {
	r, _ := bridge.FindResource(bridge.OpGetWebhookSecret)
	op := r.Operation
	op.Name, op.Title, op.Summary, op.Path, op.PathKey = "get_shop", "Read the shop", "The shop, with the key that signs webhooks.", vendorShopPath, ""
	return op
}()

// admit finds out who calls, what they may do and how often, in the order of
// the signed door.
func (d *vendorDoor) admit(c *call, op bridge.Operation) (bridge.Actor, error) {
	c.w.Header().Set("Cache-Control", "no-store")
	c.operation = op.Name
	if err := bridge.AdmitSource(d.origins.Sources, c.r); err != nil {
		return bridge.Actor{}, err
	}
	token, fault := single(c.r.Header, accessTokenHeader, bridge.CodeUnauthorized)
	if fault != nil {
		return bridge.Actor{}, refusedToken(c, fault)
	}
	client, actor, err := d.gate.AccessToken(c.r.Context(), token)
	if err != nil {
		return actor, refusedToken(c, err)
	}
	c.client = actor.ClientID
	if err := client.AdmitFrom(d.origins.Address(c.r)); err != nil {
		return actor, err
	}
	level := d.buckets.Pour(c.r.Context(), bridge.HashAccessToken(token))
	c.w.Header().Set(callLimitHeader, strconv.Itoa(level.Used)+"/"+strconv.Itoa(level.Total))
	if !level.Allowed {
		fault := bridge.Fault(bridge.CodeRateLimited, nil, "The bucket of this token is full: %d calls, and 2 leak out a second.", level.Total)
		fault.RetryAfter = level.Wait
		return actor, fault
	}
	return actor, d.desk.Authorize(actor, op)
}

// refusedToken names the proof that is wanted (RFC 9110 §11.6.1: a 401 must).
func refusedToken(c *call, err error) error {
	if bridge.AsError(err).Code == bridge.CodeUnauthorized {
		c.w.Header().Set("WWW-Authenticate", `AccessToken realm="bridge"`)
	}
	return err
}

func vendorBody(c *call) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(c.r.Body, maxVendorBody+1))
	if err != nil {
		return nil, bridge.Fault(bridge.CodeInvalidRequest, err, "The body broke off before its end.")
	}
	if len(body) > maxVendorBody {
		c.w.Header().Set("Connection", "close")
		return nil, bridge.Fault(bridge.CodePayloadTooLarge, nil, "The payload has more than %d bytes.", maxVendorBody)
	}
	return body, nil
}
