package bridge

import (
	"crypto/rand"
	"encoding/base64"
	"strings"
)

// secretPrefix begins a secret of Standard Webhooks; Base64 follows.
const secretPrefix = "whsec_"

// NewWebhookSecret makes a symmetric secret as Standard Webhooks wants it: 24
// to 64 random bytes, here 32.
func NewWebhookSecret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return secretPrefix + base64.StdEncoding.EncodeToString(b[:])
}

// WebhookKey gives the bytes that sign for a secret.
func WebhookKey(secret string) ([]byte, error) {
	return base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, secretPrefix))
}
