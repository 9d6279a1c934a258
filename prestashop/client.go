package prestashop

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/prestashop-bridge/bridge/bridge"
)

// client makes calls: one attempt each, no redirects, a deadline, a breaker.
type client struct {
	name    string // the shop's
	root    string // of the webservice, without a slash at its end
	key     string
	timeout time.Duration
	http    *http.Client
	breaker *gobreaker.CircuitBreaker[answer]
	log     *slog.Logger
	observe func(Call)
	trace   bridge.Tracer
	closed  atomic.Bool // no connection is kept beyond its call
}

// maxConnections keeps a burst of jobs from exhausting the shop's PHP workers;
// calls beyond it wait for their turn, unsent.
const maxConnections = 64

// idleTimeout is below the keep-alive of common web servers (nginx 65 s,
// Apache 5 s is noticed by its FIN), so a connection rarely dies under a call.
const idleTimeout = 30 * time.Second

var errAnswerTooLong = errors.New("the answer is longer than the limit")

func newClient(root *url.URL, o Options) *client {
	http1 := new(http.Protocols)
	http1.SetHTTP1(true) // one call a connection: what was sent is never in doubt
	transport := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout: 10 * time.Second,
		MaxIdleConns:        maxConnections,
		MaxIdleConnsPerHost: maxConnections,
		MaxConnsPerHost:     maxConnections,
		IdleConnTimeout:     idleTimeout,
		Protocols:           http1,
	}
	c := &client{name: o.Name, root: root.String(), key: o.Key, timeout: o.Timeout, log: o.Logger, observe: o.Observe, trace: o.Trace}
	c.http = &http.Client{
		Transport: transport,
		// A redirect means another host than the shop's own (recording 065); a
		// write that followed it would arrive as a GET.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	c.breaker = gobreaker.NewCircuitBreaker[answer](gobreaker.Settings{
		Name:         root.Host,
		Timeout:      o.Breaker.Pause,
		ReadyToTrip:  func(n gobreaker.Counts) bool { return n.ConsecutiveFailures >= o.Breaker.Failures },
		IsSuccessful: func(err error) bool { return !errors.As(err, new(outage)) },
		IsExcluded:   func(err error) bool { return errors.Is(err, context.Canceled) },
		OnStateChange: func(_ string, from, to gobreaker.State) {
			c.log.Warn("shop circuit breaker", "from", from.String(), "to", to.String())
		},
	})
	return c
}

// outage marks an error that says the shop as a whole is away.
type outage struct{ error }

func (o outage) Unwrap() error { return o.error }

// do makes one call and answers its 2xx; anything else is a *bridge.ShopError,
// or a *bridge.Error for a call that must never be made.
func (c *client) do(ctx context.Context, out call) (answer, error) {
	if err := out.permitted(); err != nil {
		return answer{}, err
	}
	if err := ctx.Err(); err != nil {
		return answer{}, unreached("The call was not made: the attempt had ended.", err)
	}
	ctx, end := c.trace.Span(ctx, out.method+" "+out.resource, slog.Int64("id", out.id), slog.String("shop", bridge.ShopLabel(c.name)))
	start := time.Now()
	a, err := c.guarded(ctx, out)
	end(err)
	if c.closed.Load() {
		c.http.CloseIdleConnections()
	}
	c.observe(Call{Shop: c.name, Method: out.method, Resource: out.resource, Outcome: outcomeOf(err), Took: time.Since(start)})
	return a, err
}

// guarded makes the call unless the breaker is open.
func (c *client) guarded(ctx context.Context, out call) (answer, error) {
	a, err := c.breaker.Execute(func() (answer, error) { return c.attempt(ctx, out) })
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		return answer{}, unreached("The shop is not called for a moment, because it did not answer several times.", err)
	}
	if gone := (outage{}); errors.As(err, &gone) {
		err = gone.error
	}
	return a, err
}

// attempt sends the request and sorts what comes back.
func (c *client) attempt(ctx context.Context, out call) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	sent := false
	// net/http may dial again when a kept-alive connection turned out dead
	// before a byte was written; GetConn then starts the count anew. After the
	// first byte it never repeats a POST or PATCH (net/http, Request.isReplayable).
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { sent = false },
		GotConn: func(httptrace.GotConnInfo) { sent = true },
	})
	req, err := http.NewRequestWithContext(ctx, out.method, out.target(c.root), bytes.NewReader(out.body))
	if err != nil {
		return answer{}, unreached("The call could not be made.", err)
	}
	req.SetBasicAuth(c.key, "")
	if out.contentType != "" {
		req.Header.Set("Content-Type", out.contentType)
	}
	start := time.Now()
	resp, err := c.http.Do(req)
	if err != nil {
		c.log.DebugContext(ctx, "shop call failed", "method", out.method, "resource", out.resource, "id", out.id, "ms", time.Since(start).Milliseconds(), "error", err)
		return answer{}, lost(out, sent, err)
	}
	defer resp.Body.Close()
	body, err := readAnswer(resp.Body)
	c.log.DebugContext(ctx, "shop call", "method", out.method, "resource", out.resource, "id", out.id, "status", resp.StatusCode, "ms", time.Since(start).Milliseconds())
	if err != nil {
		return answer{}, lost(out, true, err)
	}
	a := answer{status: resp.StatusCode, header: resp.Header, body: body}
	if a.status/100 == 2 {
		return a, nil
	}
	return a, refusal(out, a)
}

// lost is the error of a call without a readable answer.
func lost(out call, sent bool, err error) error {
	fault := unreached("The shop cannot be reached.", err)
	if out.writes() && sent {
		fault = &bridge.ShopError{
			Fault: bridge.Unclear, Code: bridge.CodeShopUnavailable, Cause: err,
			Message: "The connection to the shop ended before its answer came.",
		}
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, errAnswerTooLong) {
		return fault // our own doing: says nothing about the shop's health
	}
	return outage{fault}
}
