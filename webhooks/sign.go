package webhooks

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
)

// The headers of a delivery. The first three are Standard Webhooks 1.0.0
// (https://github.com/standard-webhooks/standard-webhooks), the fourth is
// Youhaosuda's, the last is ours in its manner. They are written in just this
// case: some of the vendor's own receivers look for it.
const (
	idHeader        = "webhook-id"
	timestampHeader = "webhook-timestamp"
	signatureHeader = "webhook-signature"
	hmacHeader      = "X-YHSD-HMAC-SHA256"
	eventHeader     = "X-YHSD-EVENT"
)

// TokenSignature is the value of X-YHSD-HMAC-SHA256: the standard Base64 of
// the HMAC-SHA256 of the body's bytes as sent, keyed with the characters of the
// webhook token.
func TokenSignature(token string, body []byte) string {
	return sum([]byte(token), body)
}

// StandardSignature is the value of webhook-signature: one v1 signature for
// each secret, so that a receiver that knows either verifies during a rotation.
func StandardSignature(secrets []string, id string, at time.Time, body []byte) (string, error) {
	signed := append([]byte(id+"."+strconv.FormatInt(at.Unix(), 10)+"."), body...)
	var all []string
	for _, secret := range secrets {
		key, err := bridge.WebhookKey(secret)
		if err != nil {
			return "", err
		}
		all = append(all, "v1,"+sum(key, signed))
	}
	return strings.Join(all, " "), nil
}

func sum(key, text []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write(text)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
