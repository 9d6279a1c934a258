package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"

	"github.com/prestashop-bridge/bridge/policies"
)

// Options say how far a Client goes. Timeout is required: it bounds one call
// with its redirects and its body.
type Options struct {
	Timeout time.Duration
	// Redirects is how many are followed; with 0 the redirect itself is the
	// answer.
	Redirects int
	// PlainHTTP lets http addresses pass, for development.
	PlainHTTP bool
}

const (
	dialTimeout      = 10 * time.Second
	lookupTimeout    = 2 * time.Second
	maxResponseHead  = 64 << 10
	idleTimeout      = 30 * time.Second
	idleConnsPerHost = 4
)

// Client is an HTTP client for the addresses its Book lets pass.
type Client struct {
	*http.Client
	book      policies.Book
	plainHTTP bool
}

// NewClient makes a Client; the book's AllowedHosts are the private or plain
// http hosts the operator allows by name.
func NewClient(book policies.Book, o Options) *Client {
	c := &Client{book: book, plainHTTP: o.PlainHTTP}
	c.Client = &http.Client{
		Timeout: o.Timeout,
		Transport: &http.Transport{
			Proxy:                  nil, // a proxy would resolve and dial for us, unwatched
			DialContext:            c.dial,
			ForceAttemptHTTP2:      true,
			TLSHandshakeTimeout:    dialTimeout,
			MaxResponseHeaderBytes: maxResponseHead,
			MaxIdleConnsPerHost:    idleConnsPerHost,
			IdleConnTimeout:        idleTimeout,
		},
		CheckRedirect: func(next *http.Request, past []*http.Request) error {
			if o.Redirects == 0 {
				return http.ErrUseLastResponse
			}
			if len(past) > o.Redirects {
				return fmt.Errorf("more than %d redirects", o.Redirects)
			}
			next.Header.Del("Referer")
			return c.Allowed(next.URL.String())
		},
	}
	return c
}

// Allowed asks the policies about one URL: policies.ErrAddressRefused for an
// address that is not public, policies.ErrPlainHTTP for one without TLS. Ask
// before each call; redirects are asked by the client itself.
func (c *Client) Allowed(address string) error {
	if err := c.book.CheckURL(address); err != nil {
		return err
	}
	if c.plainHTTP {
		return nil
	}
	return c.book.RequireHTTPS(address)
}

// Admit is Allowed for an address that is to be kept: what its name resolves
// to now is looked at as well, so that its owner hears of it at once. A name
// that does not resolve passes; every connection asks again.
func (c *Client) Admit(ctx context.Context, address string) error {
	if err := c.Allowed(address); err != nil {
		return err
	}
	u, err := url.Parse(address)
	if err != nil || c.book.AllowsHost(u.Hostname(), portOf(u)) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	found, _ := net.DefaultResolver.LookupNetIP(ctx, "ip", u.Hostname())
	return publicAnswers(found)
}

// publicAnswers refuses a name when any of its addresses is not public.
func publicAnswers(found []netip.Addr) error {
	for _, addr := range found {
		if !policies.PublicAddress(addr) {
			return errPrivateAddress
		}
	}
	return nil
}

// portOf is the port an address leads to; its scheme was checked before.
func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "http":
		return "80"
	}
	return "443"
}

// dial connects to public addresses only, unless the host is allowed by name.
// Control runs after the name is resolved, for each address tried, so a name
// that resolves anew between check and call gains nothing.
func (c *Client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	dialer := net.Dialer{Timeout: dialTimeout}
	if !c.book.AllowsHost(host, port) {
		dialer.ControlContext = publicOnly
	}
	return dialer.DialContext(ctx, network, address)
}

func publicOnly(_ context.Context, _, address string, _ syscall.RawConn) error {
	resolved, err := netip.ParseAddrPort(address)
	if err != nil || !policies.PublicAddress(resolved.Addr()) {
		return errPrivateAddress
	}
	return nil
}

var errPrivateAddress = fmt.Errorf("%w: it leads to an address that is not public", policies.ErrAddressRefused)

// Refused reports whether an error of a call is the guard's and not the
// network's: trying again cannot help.
func Refused(err error) bool {
	return errors.Is(err, policies.ErrAddressRefused) || errors.Is(err, policies.ErrPlainHTTP)
}

// Bare keeps the kind of a transport error and drops its text, which would
// tell a stranger about the network the bridge runs in. A refusal of the guard
// stays as it is.
func Bare(err error) error {
	var wrapped *url.Error
	switch {
	case Refused(err):
		return err
	case errors.As(err, &wrapped) && wrapped.Timeout():
		return errors.New("its server did not answer in time")
	}
	return errors.New("its server cannot be reached, or redirects too often")
}
