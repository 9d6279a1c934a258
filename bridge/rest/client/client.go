package client

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// Client calls a bridge. The first four fields are required; a Client may be
// shared and must not be copied after its first use.
type Client struct {
	BaseURL      string
	ClientID     string
	ClientSecret string
	HMACSecret   string
	// Scopes are asked for in tokens; none means all the client holds.
	Scopes []string

	// HTTP is the transport; nil means a client of its own that gives up on a
	// request after a minute. Redirects are never followed.
	HTTP *http.Client
	// Now is the clock that requests are signed by; nil means time.Now.
	Now func() time.Time
	// Attempts bounds how often one request is sent; zero means five.
	Attempts int
	// MaxPause is the longest wait between two attempts that is still worth
	// it; a server that asks for more is believed and not asked again. Zero
	// means a minute, the length of a rate window.
	MaxPause time.Duration

	tokens tokenCache
}

// Do carries out an operation of bridge.Operations. A write needs a request id
// (UUID v4): the same id with the same payload is the same intention, however
// often it is sent. A read with an empty one gets its own. The payload is the
// operation's JSON object, also for reads: {"product_id":7}.
//
// The error is a *Refusal when the bridge answered with one; for a write, any
// other error leaves open whether the job was accepted, and the way to find
// out is to call Do again with the same request id and payload.
func (c *Client) Do(ctx context.Context, operation, requestID string, payload []byte) (Response, error) {
	op, known := bridge.FindOperation(operation)
	if !known {
		return Response{}, errors.New("there is no operation " + operation)
	}
	if requestID == "" && !op.Write {
		requestID = uuid.NewString()
	}
	requestID, err := schemas.ParseRequestID(requestID)
	if err != nil {
		return Response{}, errors.New("request id: " + err.Error())
	}
	draft, err := c.draft(op, requestID, payload)
	if err != nil {
		return Response{}, err
	}
	answer, err := c.exchange(ctx, draft)
	if err != nil {
		return Response{}, err
	}
	return read(op, requestID, answer)
}

// Connect fetches a token unless there is one: it tells early whether the
// bridge is there and takes the credentials. It asks once.
func (c *Client) Connect(ctx context.Context) error {
	_, err := c.token(ctx)
	return err
}

// Wait follows a job until it is terminal, at the pace the bridge advises. The
// job's end is in the Finished, whatever it is; only Succeeded says that the
// shop was changed.
func (c *Client) Wait(ctx context.Context, jobID string) (Finished, error) {
	id, err := schemas.ParseJobID(jobID)
	if err != nil {
		return Finished{}, errors.New("job id: " + err.Error())
	}
	for pause := firstPoll; ; pause = min(pause*3/2, slowestPoll) {
		response, err := c.Do(ctx, bridge.OpGetJobStatus, "", []byte(`{"job_id":"`+id+`"}`))
		if err != nil {
			return Finished{}, err
		}
		job, err := readJob(response.Body)
		if err != nil || job.Status.Terminal() {
			return Finished{Job: job, Raw: response.Body}, err
		}
		if err := sleep(ctx, pause); err != nil {
			return Finished{}, err
		}
	}
}

// The pace of Wait: fast at first, since most jobs take a second, and far
// below the rate of reads.
const (
	firstPoll   = 500 * time.Millisecond
	slowestPoll = 5 * time.Second
)

func (c *Client) now() time.Time {
	if c.Now == nil {
		return time.Now()
	}
	return c.Now()
}

// transport is the HTTP client without redirects: one would carry a signature
// and a token to an address they were not made for.
func (c *Client) transport() *http.Client {
	own := http.Client{Timeout: time.Minute}
	if c.HTTP != nil {
		own = *c.HTTP
	}
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &own
}
