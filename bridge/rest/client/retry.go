package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

const (
	defaultAttempts = 5
	defaultMaxPause = time.Minute
	firstPause      = 250 * time.Millisecond
	// maxAnswer is far above any answer of a bridge.
	maxAnswer = 16 << 20
)

// answer is what came back, read to its end.
type answer struct {
	status int
	header http.Header
	body   []byte
	// afterLoss says that the same request was sent before and not answered.
	afterLoss bool
}

// exchange sends a draft until it is answered for good. Sending again is safe
// because of the request id: the bridge finds the job of a lost answer.
func (c *Client) exchange(ctx context.Context, d draft) (answer, error) {
	return c.persist(ctx, func() (answer, error) { return c.authorized(ctx, d) })
}

// authorized sends a draft once, or twice when the token was refused: it may
// have been revoked or its key rotated away since it was fetched.
func (c *Client) authorized(ctx context.Context, d draft) (answer, error) {
	token, err := c.token(ctx)
	if err != nil {
		return answer{}, err
	}
	a, err := c.signed(ctx, d, token)
	if err != nil || a.status != http.StatusUnauthorized {
		return a, err
	}
	c.tokens.drop(token)
	if token, err = c.token(ctx); err != nil {
		return answer{}, err
	}
	return c.signed(ctx, d, token)
}

// signed signs with the present time, so a repetition never meets the window.
func (c *Client) signed(ctx context.Context, d draft, token string) (answer, error) {
	request, err := c.sign(ctx, d, token)
	if err != nil {
		return answer{}, permanent{err}
	}
	return c.send(request)
}

func (c *Client) send(request *http.Request) (answer, error) {
	response, err := c.transport().Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return answer{}, fmt.Errorf("read the answer: %w", err)
	}
	if len(body) > maxAnswer {
		return answer{}, permanent{errors.New("the answer is larger than any of a bridge")}
	}
	if c.repeatsSecret(request, body) {
		return answer{}, permanent{errors.New("the answer repeats a credential of this client; it is not shown")}
	}
	return answer{status: response.StatusCode, header: response.Header, body: body}, nil
}

// repeatsSecret finds an answer that would hand on what nobody else may read,
// such as the page of a proxy that shows the headers it was sent.
func (c *Client) repeatsSecret(request *http.Request, body []byte) bool {
	_, credential, _ := strings.Cut(request.Header.Get("Authorization"), " ")
	for _, secret := range []string{c.ClientSecret, c.HMACSecret, credential} {
		if secret != "" && bytes.Contains(body, []byte(secret)) {
			return true
		}
	}
	return false
}

// permanent is an error that no repetition can cure.
type permanent struct{ error }

func (p permanent) Unwrap() error { return p.error }

// persist tries until the answer is neither "later" nor lost, the attempts are
// used up, or waiting is not worth it. The last answer or error comes back.
func (c *Client) persist(ctx context.Context, try func() (answer, error)) (answer, error) {
	lost := false
	for attempt := 1; ; attempt++ {
		a, err := try()
		a.afterLoss = lost
		lost = lost || unanswered(a, err)
		if final(ctx, a, err) || attempt >= orDefault(c.Attempts, defaultAttempts) {
			return a, err
		}
		wait := pause(attempt, a, err)
		if wait > orDefault(c.MaxPause, defaultMaxPause) {
			return a, err
		}
		if stopped := sleep(ctx, wait); stopped != nil {
			return a, errors.Join(err, stopped)
		}
	}
}

// unanswered reports whether a request may have been carried out although its
// answer did not come: the connection broke, or a proxy gave it up.
func unanswered(a answer, err error) bool {
	var refused *Refusal
	if err != nil {
		return !errors.As(err, &refused)
	}
	return a.status == http.StatusBadGateway || a.status == http.StatusGatewayTimeout
}

func final(ctx context.Context, a answer, err error) bool {
	var refused *Refusal
	var hopeless permanent
	switch {
	case err == nil:
		return !passing(a.status)
	case errors.As(err, &refused): // by the token endpoint
		return !passing(refused.Status)
	}
	return ctx.Err() != nil || errors.As(err, &hopeless)
}

// passing reports whether a status may be gone in a moment. The bridge itself
// never sends 502 or 504: a proxy lost the answer.
func passing(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusBadGateway, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// pause is what the server asks for, else longer each time and never twice the
// same, so that clients that failed together do not come back together.
func pause(attempt int, a answer, err error) time.Duration {
	asked := retryAfter(a.header)
	var refused *Refusal
	if errors.As(err, &refused) {
		asked = refused.RetryAfter
	}
	if asked > 0 {
		return asked
	}
	most := firstPause << min(attempt, 10)
	return most/2 + rand.N(most/2)
}

// sleep waits, or gives the context's error.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func orDefault[N int | time.Duration](given, otherwise N) N {
	if given == 0 {
		return otherwise
	}
	return given
}
