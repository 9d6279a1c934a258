package main

import (
	"context"
	"crypto"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/prestashop-bridge/bridge/auth"
)

// checkTokens issues a token with the deployment's keys and tries forgeries on
// the deployment's own verification.
func (s *site) checkTokens(context.Context) finding {
	p := &parts{config: s.config, log: quiet()}
	if p.config.baseURL == "" {
		p.config.baseURL = standInURL
	}
	gate, err := p.gate()
	if err != nil {
		return fail("%v", err).mend("Correct the key files named; they are made anew when private and public key are both gone.")
	}
	f, err := newForger(gate.Tokens, s.config.publicKeyPath)
	if err != nil {
		return fail("no token can be issued: %v", err)
	}
	if claims, err := gate.Tokens.Verify(f.genuine); err != nil || claims.ClientID != checkClient {
		return fail("a token of this deployment's own is refused: %v", err)
	}
	var passedOn []string
	for _, forgery := range forgeries {
		token, err := forgery.make(f)
		if err != nil {
			return fail("%s could not be tried: %v", forgery.name, err)
		}
		if _, err := gate.Tokens.Verify(token); !errors.Is(err, auth.ErrInvalidToken) {
			passedOn = append(passedOn, forgery.name)
		}
	}
	if len(passedOn) > 0 {
		return fail("accepted although forged: %s", strings.Join(passedOn, ", "))
	}
	return pass("key %s; %d forgeries refused", gate.Tokens.Keys.Current().SigningID(), len(forgeries))
}

// forger has what an attacker has: a genuine token, the public key and keys of
// his own; and the issuer, to make tokens that are wrong in one thing only.
type forger struct {
	issuer        *auth.Issuer
	genuine       string
	header        map[string]any
	claims        string
	publicPEM     []byte
	foreign       *rsa.PrivateKey
	foreignIssuer *auth.Issuer
}

func newForger(issuer *auth.Issuer, publicKeyPath string) (*forger, error) {
	f := &forger{issuer: issuer}
	var err error
	if f.genuine, _, err = issuer.Issue(checkClient, []string{auth.ScopeRead}); err != nil {
		return nil, err
	}
	parts := strings.Split(f.genuine, ".")
	f.claims = parts[1]
	header, err := base64.RawURLEncoding.DecodeString(parts[0])
	if err == nil {
		err = json.Unmarshal(header, &f.header)
	}
	if err == nil {
		f.publicPEM, err = os.ReadFile(publicKeyPath)
	}
	if err == nil {
		f.foreign, err = auth.NewSigningKey()
	}
	if err != nil {
		return nil, err
	}
	foreign, err := auth.NewKeySet(f.foreign)
	other := *issuer
	other.Keys = foreign
	f.foreignIssuer = &other
	return f, err
}

// forgery is one token that must be refused.
type forgery struct {
	name string
	make func(f *forger) (string, error)
}

var forgeries = []forgery{
	{"alg none", func(f *forger) (string, error) { return f.resigned("none", f.claims, nil) }},
	{"HS256 with the public key", func(f *forger) (string, error) {
		return f.resigned("HS256", f.claims, func(text string) ([]byte, error) {
			mac := hmac.New(sha256.New, f.publicPEM)
			mac.Write([]byte(text))
			return mac.Sum(nil), nil
		})
	}},
	{"a foreign key", func(f *forger) (string, error) { return issued(f.foreignIssuer) }},
	{"a foreign key under our kid", func(f *forger) (string, error) {
		return f.resigned("RS256", f.claims, func(text string) ([]byte, error) {
			sum := sha256.Sum256([]byte(text))
			return rsa.SignPKCS1v15(nil, f.foreign, crypto.SHA256, sum[:])
		})
	}},
	{"more scopes under the old signature", func(f *forger) (string, error) {
		other, _, err := f.issuer.Issue(checkClient, []string{auth.ScopeRead, auth.ScopeWrite})
		parts := strings.Split(f.genuine, ".")
		return parts[0] + "." + strings.Split(other+"..", ".")[1] + "." + parts[2], err
	}},
	{"an expired token", func(f *forger) (string, error) {
		past := *f.issuer
		past.Now = func() time.Time { return time.Now().Add(-past.TTL - time.Hour) }
		return issued(&past)
	}},
	{"a token of the future", func(f *forger) (string, error) {
		future := *f.issuer
		future.Now = func() time.Time { return time.Now().Add(time.Hour) }
		return issued(&future)
	}},
	{"another audience", func(f *forger) (string, error) { return issued(f.issuer.For("https://elsewhere.invalid")) }},
	{"another issuer", func(f *forger) (string, error) {
		other := *f.issuer
		other.URL = "https://elsewhere.invalid"
		return issued(&other)
	}},
}

func issued(i *auth.Issuer) (string, error) {
	token, _, err := i.Issue(checkClient, []string{auth.ScopeRead})
	return token, err
}

// resigned is a token with another algorithm in its header and a signature of
// the forger's.
func (f *forger) resigned(algorithm, claims string, sign func(text string) ([]byte, error)) (string, error) {
	header := map[string]any{}
	for name, value := range f.header {
		header[name] = value
	}
	header["alg"] = algorithm
	raw, err := json.Marshal(header)
	if err != nil {
		return "", fmt.Errorf("header: %w", err)
	}
	text := base64.RawURLEncoding.EncodeToString(raw) + "." + claims
	if sign == nil {
		return text + ".", nil
	}
	signature, err := sign(text)
	return text + "." + base64.RawURLEncoding.EncodeToString(signature), err
}
