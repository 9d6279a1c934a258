package client_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/bridge/rest/client"
)

func get(ctx context.Context, c *client.Client) error {
	_, err := c.Do(ctx, bridge.OpGetProduct, "", []byte(`{"product_id":7}`))
	return err
}

// Fifty callers at once make one token request; the token is used until a
// minute before its end.
func TestTokenIsFetchedOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newServer(t, reply{status: 200, body: `{}`})
		c := s.client()
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if err := get(t.Context(), c); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		for _, step := range []struct {
			wait   time.Duration
			tokens int
		}{{0, 1}, {3539 * time.Second, 1}, {time.Second, 2}} {
			time.Sleep(step.wait) // bubble time
			if err := get(t.Context(), c); err != nil {
				t.Error(err)
			}
			if s.tokens != step.tokens {
				t.Errorf("after %v: %d token requests, want %d", step.wait, s.tokens, step.tokens)
			}
		}
	})
}

// A token that is refused is replaced once; a second refusal is the answer.
func TestTokenIsReplacedOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newServer(t, reply{status: 200, body: `{}`})
		c := s.client()
		s.revoked["token-1"] = true
		if err := get(t.Context(), c); err != nil || s.tokens != 2 {
			t.Errorf("%d tokens, %v", s.tokens, err)
		}
		s.revoked["token-2"], s.revoked["token-3"] = true, true
		var refused *client.Refusal
		if err := get(t.Context(), c); !errors.As(err, &refused) || refused.Status != 401 || s.tokens != 3 {
			t.Errorf("%d tokens, %v", s.tokens, err)
		}
	})
}

func TestTokenEndpointRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		reply reply
		asked int
		code  string
	}{
		"credentials": {reply{status: 401, body: `{"error":"invalid_client","error_description":"The client credentials are not valid."}`}, 1, "invalid_client"},
		"a while":     {reply{status: 503, body: `{"error":"temporarily_unavailable"}`, header: map[string]string{"Retry-After": "2"}}, 5, "temporarily_unavailable"},
		"the rate":    {reply{status: 429, body: `{"error":"slow_down"}`, header: map[string]string{"Retry-After": "61"}}, 1, "slow_down"},
		"something":   {reply{status: 418, body: "teapot"}, 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newServer(t)
				s.tokenReply = &c.reply
				var refused *client.Refusal
				if err := get(t.Context(), s.client()); !errors.As(err, &refused) || refused.Problem.ErrorCode != c.code || refused.Status != c.reply.status {
					t.Errorf("got %v", err)
				}
				if s.tokens != c.asked || len(s.seen) > 0 {
					t.Errorf("asked %d times, want %d", s.tokens, c.asked)
				}
			})
		})
	}
}

// An answer that is no token is not tried again and never quoted: it might
// hold one.
func TestTokenAnswerIsNotQuoted(t *testing.T) {
	for _, body := range []string{`{"access_token":"hunter2","token_type":"mac"}`, `hunter2`, `{"token_type":"Bearer"}`} {
		s := newServer(t)
		s.tokenReply = &reply{status: 200, body: body}
		if err := get(t.Context(), s.client()); err == nil || strings.Contains(err.Error(), "hunter2") || s.tokens != 1 {
			t.Errorf("got %v after %d requests", err, s.tokens)
		}
	}
}

// One caller that gives up does not take the fetch from the others.
func TestTokenFetchOutlivesItsCaller(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newServer(t, reply{status: 200, body: `{}`})
		c := s.client()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := get(ctx, c); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if err := get(t.Context(), c); err != nil || s.tokens != 1 {
			t.Errorf("%d tokens, %v", s.tokens, err)
		}
	})
}
