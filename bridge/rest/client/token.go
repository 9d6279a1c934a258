package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/prestashop-bridge/bridge/schemas"
)

const (
	// renewBefore is how long before its end a token counts as expired: longer
	// than a request and any clock difference the signature window allows.
	renewBefore = time.Minute
	// fetchTimeout ends a fetch nobody waits for any more.
	fetchTimeout = 2 * time.Minute
)

// tokenCache keeps one token and lets only one fetch run at a time.
type tokenCache struct {
	mu      sync.Mutex
	token   string
	renewAt time.Time
	fetch   *fetch
}

// fetch is a token request under way; token and err are set when done closes.
type fetch struct {
	done  chan struct{}
	token string
	err   error
}

// drop forgets a token that was refused, unless it has been replaced already.
func (t *tokenCache) drop(token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.token == token {
		t.token = ""
	}
}

// token gives the cached token or waits for a fetch. The fetch is not bound to
// the caller who started it: others wait for it too.
func (c *Client) token(ctx context.Context) (string, error) {
	c.tokens.mu.Lock()
	if c.tokens.token != "" && c.now().Before(c.tokens.renewAt) {
		defer c.tokens.mu.Unlock()
		return c.tokens.token, nil
	}
	running := c.tokens.fetch
	if running == nil {
		running = &fetch{done: make(chan struct{})}
		c.tokens.fetch = running
		go c.runFetch(context.WithoutCancel(ctx), running)
	}
	c.tokens.mu.Unlock()
	select {
	case <-running.done:
		return running.token, running.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func (c *Client) runFetch(ctx context.Context, running *fetch) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	token, lifetime, err := c.requestToken(ctx)
	c.tokens.mu.Lock()
	defer c.tokens.mu.Unlock()
	running.token, running.err = token, err
	if err == nil {
		// A token that lives shorter than the margin is used for half its life.
		c.tokens.token, c.tokens.renewAt = token, c.now().Add(max(lifetime-renewBefore, lifetime/2))
	}
	c.tokens.fetch = nil
	close(running.done)
}

// requestToken asks once. Trying again is up to the exchange that needs the
// token, which counts it among its own attempts.
func (c *Client) requestToken(ctx context.Context) (string, time.Duration, error) {
	form := url.Values{"grant_type": {"client_credentials"}}
	if len(c.Scopes) > 0 {
		form.Set("scope", strings.Join(c.Scopes, " "))
	}
	address := strings.TrimRight(c.BaseURL, "/") + "/oauth/token"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return "", 0, permanent{err}
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Accept", "application/json")
	// RFC 6749 §2.3.1: both halves are form-urlencoded inside Basic.
	request.SetBasicAuth(url.QueryEscape(c.ClientID), url.QueryEscape(c.ClientSecret))
	a, err := c.send(request)
	if err != nil {
		return "", 0, err
	}
	if a.status != http.StatusOK {
		return "", 0, tokenRefusal(a)
	}
	return readToken(a.body)
}

func readToken(body []byte) (string, time.Duration, error) {
	var wire struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
		ExpiresIn   int64  `json:"expires_in"`
	}
	// The body holds a token: no error may quote it.
	if json.Unmarshal(body, &wire) != nil || wire.AccessToken == "" || !strings.EqualFold(wire.TokenType, "Bearer") {
		return "", 0, permanent{errors.New("the token endpoint answered without a bearer token")}
	}
	return wire.AccessToken, time.Duration(wire.ExpiresIn) * time.Second, nil
}

// tokenRefusal words an RFC 6749 §5.2 error as the problem it is.
func tokenRefusal(a answer) *Refusal {
	var wire struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if json.Unmarshal(a.body, &wire) != nil || wire.Error == "" {
		return refusal(a)
	}
	return &Refusal{Status: a.status, Header: a.header, RetryAfter: retryAfter(a.header), Problem: schemas.Problem{
		Status: a.status, Code: a.status, ErrorCode: wire.Error,
		Detail: fmt.Sprintf("The token endpoint refused: %s", wire.Description),
		Fix:    "Check client id, client secret and scopes.",
	}}
}
