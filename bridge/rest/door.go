package rest

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/policies"
)

// The contract's figures, used where a Door names none.
const (
	gzipRecommendedAbove = 1024
	gzipRequiredAbove    = 32768
	signatureWindow      = 30 * time.Second
)

// Door is the HTTP face of the hub. Desk, Gate, Grantor, Webhooks, Buckets,
// BaseURL and Log are required; a zero limit means the contract's own figure.
type Door struct {
	Desk    *bridge.Desk
	Gate    *bridge.Gate
	Grantor *bridge.Grantor
	// ClientDocuments says in the metadata that clients may name themselves by
	// the URL of a metadata document.
	ClientDocuments bool
	// Webhooks are the resource under /v1/webhooks, and Buckets the rate of the
	// compatibility door to it.
	Webhooks *bridge.Subscriptions
	Buckets  bridge.Buckets
	// ShopURL gives the address of a client's shop, for the compatibility door.
	ShopURL func(ctx context.Context, shop string) (string, error)
	// BaseURL is where clients reach this door, without a path. The metadata
	// documents are written with it.
	BaseURL string
	// Version is the program's, shown in the OpenAPI document.
	Version string

	MaxPayloadBytes      int64
	GzipRecommendedAbove int64
	GzipRequiredAbove    int64
	SignatureWindow      time.Duration

	// AllowedSources are the networks that may call; empty means all.
	AllowedSources []netip.Prefix
	// TrustedProxies are the networks whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix

	// Now is the clock; nil means time.Now.
	Now func() time.Time
	Log *slog.Logger
	// Checks are the parts behind the door, for /readyz; none means ready.
	Checks []Check
}

// Handler serves the door. It routes on the request line exactly as it was
// sent, so it must not be mounted behind anything that rewrites paths.
func (d *Door) Handler() http.Handler {
	set := d.withDefaults()
	return &router{routes: set.routes(), desk: set.Desk, now: set.Now, log: set.Log}
}

// Server is an HTTP server for the door with limits against slow and oversized
// requests. There is no write timeout: the answers here are small, and a
// server that also carries the MCP door must not cut its streams.
func (d *Door) Server(addr string) *http.Server {
	return &http.Server{
		Addr:              addr,
		Handler:           d.Handler(),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       60 * time.Second,
		IdleTimeout:       120 * time.Second,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(d.Log.Handler(), slog.LevelWarn),
		// OPTIONS * is an unknown route like any other, not an empty 200.
		DisableGeneralOptionsHandler: true,
	}
}

func (d *Door) withDefaults() Door {
	set := *d
	set.MaxPayloadBytes = orDefault(d.MaxPayloadBytes, policies.DefaultMaxPayloadBytes)
	set.GzipRecommendedAbove = orDefault(d.GzipRecommendedAbove, gzipRecommendedAbove)
	set.GzipRequiredAbove = orDefault(d.GzipRequiredAbove, gzipRequiredAbove)
	set.SignatureWindow = orDefault(d.SignatureWindow, signatureWindow)
	if d.Now == nil {
		set.Now = time.Now
	}
	return set
}

func orDefault[N int64 | time.Duration](given, otherwise N) N {
	if given == 0 {
		return otherwise
	}
	return given
}
