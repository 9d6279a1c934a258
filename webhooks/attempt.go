package webhooks

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/egress"
)

const (
	// Timeout bounds one attempt, from the first byte out to the last one in.
	Timeout = 5 * time.Second
	// keptResponse is how much of an answer the log keeps.
	keptResponse = 1 << 10
	// maxRetryAfter bounds what a receiver may ask for.
	maxRetryAfter = 24 * time.Hour
)

// Retries are the pauses between attempts, a day and three hours in all; up to
// a tenth is added, so that what failed together does not come back together.
var Retries = []time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 10 * time.Hour,
}

// answer is what came of one call.
type answer struct {
	bridge.Attempt
	retryAfter time.Duration
}

func (a answer) delivered() bool { return a.Status/100 == 2 }

// health says how the receiver itself is: one that refuses what it is told does
// so quickly and delays nobody.
func (a answer) health() health {
	if a.Status == 0 || a.Status >= http.StatusInternalServerError || a.Status == http.StatusTooManyRequests {
		return ailing
	}
	return well
}

// call sends one delivery. Its only error is a fault of ours.
func (e *Engine) call(ctx context.Context, d bridge.Delivery) (answer, error) {
	request, err := e.request(ctx, d)
	if err != nil {
		return answer{}, err
	}
	a := answer{Attempt: bridge.Attempt{At: e.Now().UTC()}}
	began := time.Now()
	response, err := e.send(request)
	if err == nil {
		a.Status, a.retryAfter = response.StatusCode, retryAfter(response.Header.Get("Retry-After"), e.Now())
		var head []byte
		head, err = io.ReadAll(io.LimitReader(response.Body, keptResponse))
		a.Response = string(head)
		// The status has spoken; how the body ends does not matter.
		_ = response.Body.Close()
	}
	a.Took = time.Since(began)
	if a.Status == 0 {
		a.Error = egress.Bare(err).Error()
	}
	return a, nil
}

func (e *Engine) send(request *http.Request) (*http.Response, error) {
	if err := e.Client.Allowed(request.URL.String()); err != nil {
		return nil, err
	}
	return e.Client.Do(request)
}

// request writes what goes out: the body in the webhook's content type, signed
// as its bytes are.
func (e *Engine) request(ctx context.Context, d bridge.Delivery) (*http.Request, error) {
	body, contentType, err := encode(d.Webhook.ContentType, d.Event.Body)
	if err != nil {
		return nil, err
	}
	now := e.Now()
	secrets, err := d.Webhook.Secrets(e.Sealer, now)
	if err != nil {
		return nil, err
	}
	token, err := d.Token(e.Sealer)
	if err != nil {
		return nil, err
	}
	signature, err := StandardSignature(secrets, d.Event.ID, now, body)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, d.Webhook.Address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, value := range map[string]string{
		"Content-Type": contentType, "User-Agent": "bridge-webhooks",
		idHeader: d.Event.ID, timestampHeader: strconv.FormatInt(now.Unix(), 10), signatureHeader: signature,
		hmacHeader: TokenSignature(token, body), eventHeader: string(d.Event.Topic),
	} {
		request.Header[name] = []string{value}
	}
	return request, nil
}

// retryAfter reads the header (RFC 9110 §10.2.3), seconds or a date; zero when
// it says nothing usable.
func retryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil {
		return min(max(time.Duration(seconds)*time.Second, 0), maxRetryAfter)
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(at.Sub(now), 0), maxRetryAfter)
	}
	return 0
}

// end is what an answer means for its delivery.
func (e *Engine) end(d bridge.Delivery, a answer) bridge.AttemptEnd {
	end := bridge.AttemptEnd{Attempt: a.Attempt, State: bridge.DeliveryFailed}
	switch {
	case a.delivered():
		end.State = bridge.DeliveryDelivered
	case a.Status == http.StatusGone:
		end.Gone = true
	case d.Attempts < len(e.Retries):
		pause := e.Retries[d.Attempts]
		end.State = bridge.DeliveryWaiting
		end.Pause = max(pause+rand.N(pause/10+1), a.retryAfter)
	}
	return end
}
