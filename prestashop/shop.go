package prestashop

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/policies"
	"github.com/prestashop-bridge/bridge/schemas"
)

// Options says which shop and how to treat it. URL and Key are required, the
// rest has defaults.
type Options struct {
	// Name tells the shop apart from others in logs and calls observed; "" for
	// that of the settings.
	Name string
	URL  string // the shop's root, such as https://shop.example or https://example.org/shop
	Key  string // webservice key, 32 characters; sent as HTTP Basic user only
	// EmployeeID is the shop employee written into order histories, 0 for none.
	// An employee of the bridge's own tells its rows from a person's.
	EmployeeID int64
	Timeout    time.Duration // of one call; default 30 s
	// SaleLag is how long the shop may need between taking an ordered product
	// off the stock and writing the order line that explains it. Stock counts
	// only as read when it stood still that long. Default 200 ms, negative for
	// none.
	SaleLag time.Duration
	Book    policies.Book // whom images may be fetched from
	// Memory knows what was imported before; nil remembers nothing, and a
	// later import adds its images again.
	Memory  ImageMemory
	Logger  *slog.Logger // default: discard
	Breaker Breaker
	// Observe hears of every call, in words of this package only; nil for none.
	Observe func(Call)
	Trace   bridge.Tracer // nil for none
}

// Breaker says when a shop that does not answer is left alone. Zero values
// mean 5 failures in a row and a pause of 3 s.
type Breaker struct {
	Failures uint32
	Pause    time.Duration
}

// ImageMemory remembers which of a product's images came from which bytes. The
// shop stores images re-encoded, so it cannot be asked.
type ImageMemory interface {
	// Image gives the id under which these bytes were stored; 0 for unknown.
	Image(ctx context.Context, productID int64, sha256 string) (int64, error)
	RememberImage(ctx context.Context, productID int64, sha256 string, imageID int64) error
}

// noMemory is the ImageMemory of a shop that was given none.
type noMemory struct{}

func (noMemory) Image(context.Context, int64, string) (int64, error)       { return 0, nil }
func (noMemory) RememberImage(context.Context, int64, string, int64) error { return nil }

// Shop is one PrestaShop. It implements bridge.Shop and is safe for concurrent
// use.
type Shop struct {
	client     *client
	images     *imageFetcher
	memory     ImageMemory
	settings   *settings
	products   rounds[int64, schemas.Product]
	orders     rounds[orderReading, schemas.Order]
	employeeID int64
	saleLag    time.Duration
	log        *slog.Logger
}

var (
	_ bridge.Shop        = (*Shop)(nil)
	_ bridge.WatchedShop = (*Shop)(nil)
)

// The defaults of Options.
const (
	defaultTimeout  = 30 * time.Second
	defaultSaleLag  = 200 * time.Millisecond
	defaultFailures = 5
	defaultPause    = 3 * time.Second
	keyLength       = 32 // any other length is 401/18 (recording 055)
)

// New makes a Shop. It does not call the shop.
func New(o Options) (*Shop, error) {
	root, err := apiRoot(o.URL)
	if err != nil {
		return nil, err
	}
	if len(o.Key) != keyLength || strings.ContainsAny(o.Key, ":\r\n") {
		return nil, fmt.Errorf("the webservice key must have exactly %d characters", keyLength)
	}
	o.Timeout = cmp.Or(o.Timeout, defaultTimeout)
	o.Breaker.Failures = cmp.Or(o.Breaker.Failures, defaultFailures)
	o.Breaker.Pause = cmp.Or(o.Breaker.Pause, defaultPause)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Name != "" {
		o.Logger = o.Logger.With("shop", o.Name)
	}
	if o.Observe == nil {
		o.Observe = func(Call) {}
	}
	if o.Trace == nil {
		o.Trace = bridge.Untraced{}
	}
	if o.Memory == nil {
		o.Memory = noMemory{}
	}
	client := newClient(root, o)
	return &Shop{
		client:     client,
		images:     newImageFetcher(o.Book, o.Timeout),
		memory:     o.Memory,
		settings:   newSettings(client),
		employeeID: o.EmployeeID,
		saleLag:    max(0, cmp.Or(o.SaleLag, defaultSaleLag)),
		log:        o.Logger,
	}, nil
}

// Breaker is the state of the circuit breaker: closed, half-open or open.
func (s *Shop) Breaker() string { return s.client.breaker.State().String() }

// Close gives the connections back. Calls under way are not cut: theirs close
// as they end.
func (s *Shop) Close() {
	s.client.closed.Store(true)
	s.client.http.CloseIdleConnections()
	s.images.http.CloseIdleConnections()
}

// Ping makes the cheapest call the key needs rights for and gives the shop's
// version.
func (s *Shop) Ping(ctx context.Context) (version string, err error) {
	a, err := s.client.do(ctx, call{
		method: http.MethodGet, resource: "languages",
		query: url.Values{"display": {"[id]"}, "limit": {"1"}},
	})
	if err != nil {
		return "", err
	}
	return a.header.Get("PSWS-Version"), nil
}

// apiRoot checks the shop's root and appends /api.
func apiRoot(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errors.New("the shop URL cannot be parsed") // the parser's error would quote it
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return nil, errors.New("the shop URL must be absolute, such as https://shop.example")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("the shop URL must not carry a user, a query or a fragment; the key has its own setting")
	}
	return u.JoinPath("api"), nil
}
