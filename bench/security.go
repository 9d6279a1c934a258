package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/bridge/rest"
	"github.com/prestashop-bridge/bridge/schemas"
)

// openDesk is a hub whose surroundings cost nothing, so that a request through
// the door costs what the door and its checks cost.
type openDesk struct{ nothing }

func (openDesk) Accept(context.Context, bridge.Job, string) (*bridge.Recorded, error) {
	return nil, nil
}

func (openDesk) Take(context.Context, bridge.Actor, bridge.RateClass) (bridge.RateWindow, error) {
	return bridge.RateWindow{Allowed: true, Limit: mostRequests}, nil
}

// noReplays knows no request.
type noReplays struct{}

func (noReplays) Recall(context.Context, string, string) (*bridge.Replay, error) { return nil, nil }

func (noReplays) Remember(context.Context, string, string, bridge.Replay) error { return nil }

// timed is one thing done over and over.
type timed struct {
	name string
	do   func() error
}

// each gives the time of one go in microseconds, things in turns.
func each(ctx context.Context, rounds, times int, things []timed) (map[string]figures, error) {
	took := map[string]figures{}
	for range rounds {
		for _, thing := range things {
			began := time.Now()
			for range times {
				if err := thing.do(); err != nil {
					return nil, fmt.Errorf("%s: %w", thing.name, err)
				}
			}
			took[thing.name] = append(took[thing.name], float64(time.Since(began).Nanoseconds())/1000/float64(times))
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
		}
	}
	return took, nil
}

// measureSecurity times the checks of one write as the door makes them against
// their primitives alone.
func measureSecurity(ctx context.Context, b *bench) error {
	keys, err := b.folder("keys")
	if err != nil {
		return err
	}
	gate, err := newGate(keys, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	token, _, err := gate.Tokens.Issue(clientID, []string{auth.ScopeRead, auth.ScopeWrite})
	if err != nil {
		return err
	}
	at := request{body: priceChange(0), id: uuid.NewString(), sent: strconv.FormatInt(time.Now().Unix(), 10)}
	at.signature = auth.Sign(hmacSecret, auth.StringToSign(http.MethodPost, updateURI, at.sent, at.id, auth.BodyHash(at.body)))
	things, err := securityThings(ctx, gate, token, at)
	if err != nil {
		return err
	}
	times := 3000
	if b.short {
		times = 100
	}
	took, err := each(ctx, b.rounds, times, things)
	if err != nil {
		return err
	}
	var checks, primitives figures
	for round := range b.rounds {
		checks = append(checks, took["token"][round]+took["signature"][round]+took["schema"][round])
		primitives = append(primitives, took["token, primitive"][round]+took["signature, primitive"][round]+took["schema, primitive"][round])
	}
	row := func(name string, have, floor figures) []string {
		return []string{name, have.spread("%.1f"), floor.spread("%.1f"), have.against(floor).middle("%.2f")}
	}
	b.report.say("One write of %d bytes, one at a time, no network, database, queue or shop. Primitives: RSA-2048 verification of the token's bytes and decoding its two parts; SHA-256 of the body and one HMAC; `json.Unmarshal` and the compiled schema. "+
		"The check of a token also holds its header, kid, issuer, audience and times against ours; the check of a signature always tries both secrets; reading a document also refuses repeated keys, bad UTF-8 and deep nesting, and makes its canonical form.", len(at.body))
	b.report.table([]string{"check", "in the bridge, µs", "primitives alone, µs", "ratio"}, [][]string{
		row("token", took["token"], took["token, primitive"]),
		row("signature", took["signature"], took["signature, primitive"]),
		row("schema", took["schema"], took["schema, primitive"]),
		row("**the three**", checks, primitives),
		row("the whole door (`ServeHTTP`)", took["door"], primitives),
	})
	return nil
}

// request is a signed write as the checks see it.
type request struct {
	body                []byte
	id, sent, signature string
}

func securityThings(ctx context.Context, gate *bridge.Gate, token string, at request) ([]timed, error) {
	set := gate.Tokens.Keys.Current()
	public, known := set.PublicKey(set.SigningID())
	if !known {
		return nil, errors.New("the key set does not hold its own key")
	}
	compiled := schemas.Input(bridge.OpUpdateProduct)
	document, faults := schemas.Parse(at.body)
	if len(faults) > 0 {
		return nil, errors.New(faults[0].Message)
	}
	desk := &bridge.Desk{
		Intake: openDesk{}, Shops: bridge.OneShop(blankShop{}), Transport: openDesk{}, Replays: noReplays{}, Limiter: openDesk{},
		MaxAttempts: 5, Now: time.Now, NewID: newJobID, Log: slog.New(slog.DiscardHandler),
	}
	door := (&rest.Door{Desk: desk, Gate: gate, BaseURL: baseURL, Log: slog.New(slog.DiscardHandler)}).Handler()
	own := bridge.Gate{Clients: gate.Clients, Tokens: gate.Tokens.For(baseURL)}
	secrets := []string{hmacSecret, ""}
	return []timed{
		{"token", func() error {
			_, _, err := own.Bearer(ctx, "Bearer "+token)
			return err
		}},
		{"token, primitive", func() error { return verifyAlone(public, token) }},
		{"signature", func() error {
			if !auth.VerifySignature(secrets, auth.StringToSign(http.MethodPost, updateURI, at.sent, at.id, auth.BodyHash(at.body)), at.signature) {
				return errors.New("refused")
			}
			return nil
		}},
		{"signature, primitive", func() error { return signAlone(at) }},
		{"schema", func() error {
			doc, faults := schemas.Parse(at.body)
			if len(faults) > 0 || len(compiled.Validate(doc)) > 0 {
				return errors.New("refused")
			}
			return nil
		}},
		{"schema, primitive", func() error {
			var value any
			if err := json.Unmarshal(at.body, &value); err != nil {
				return err
			}
			if len(compiled.Validate(document)) > 0 {
				return errors.New("refused")
			}
			return nil
		}},
		{"door", func() error { return throughDoor(door, token, at) }},
	}, nil
}

// verifyAlone is what no check of an RS256 token can do without.
func verifyAlone(key *rsa.PublicKey, token string) error {
	parts := strings.Split(token, ".")
	for _, part := range parts[:2] {
		raw, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil {
			return err
		}
		var members map[string]any
		if err := json.Unmarshal(raw, &members); err != nil {
			return err
		}
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature)
}

// signAlone is one hash of the body and one HMAC.
func signAlone(at request) error {
	sum := sha256.Sum256(at.body)
	mac := hmac.New(sha256.New, []byte(hmacSecret))
	mac.Write([]byte(http.MethodPost + "\n" + updateURI + "\n" + at.sent + "\n" + at.id + "\n" + hex.EncodeToString(sum[:])))
	if hex.EncodeToString(mac.Sum(nil)) != at.signature {
		return errors.New("refused")
	}
	return nil
}

func throughDoor(door http.Handler, token string, at request) error {
	r := httptest.NewRequest(http.MethodPost, updateURI, bytes.NewReader(at.body))
	r.Header = http.Header{
		"Authorization": {"Bearer " + token}, "Accept": {"application/json"}, "Content-Type": {"application/json"},
		"X-Request-Id": {at.id}, "X-Timestamp": {at.sent}, "X-Signature": {at.signature},
	}
	w := httptest.NewRecorder()
	if door.ServeHTTP(w, r); w.Code != http.StatusAccepted {
		return fmt.Errorf("status %d: %s", w.Code, w.Body)
	}
	return nil
}
