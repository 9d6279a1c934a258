package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"
)

// Why an X-Timestamp was refused. The first is a fault of the client's code,
// the second usually of its clock.
var (
	ErrTimestampFormat = errors.New("timestamp is not a whole number of unix seconds")
	ErrTimestampWindow = errors.New("timestamp is outside the accepted window")
)

// maxTimestampDigits keeps every accepted timestamp far from int64 overflow
// (twelve digits reach the year 33658).
const maxTimestampDigits = 12

// StringToSign joins the five signed parts with line feeds: METHOD, URI,
// TIMESTAMP, REQUEST_ID, BODY_SHA256. The URI is path and query exactly as
// sent, and the hash is of the body exactly as sent (compressed when
// compressed), so nothing is decoded or re-encoded between the two sides.
func StringToSign(method, uri, timestamp, requestID string, bodySHA256Hex string) string {
	return strings.Join([]string{
		strings.ToUpper(method),
		uri,
		timestamp,
		strings.ToLower(requestID),
		bodySHA256Hex,
	}, "\n")
}

// BodyHash is the lower-case hex SHA-256 of the body bytes; no body hashes as
// the empty string.
func BodyHash(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// Sign returns the lower-case hex HMAC-SHA256 of stringToSign. The key is the
// secret's ASCII bytes as written, not the bytes its hex digits would decode to.
func Sign(secret string, stringToSign string) string {
	return hex.EncodeToString(digest(secret, stringToSign))
}

// VerifySignature reports whether one of the client's secrets (current,
// previous) made the signature. Empty secrets match nothing. All secrets are
// always tried, and each comparison takes constant time, so that the duration
// tells neither how close a guess was nor which secret is in use.
func VerifySignature(secrets []string, stringToSign, signatureHex string) bool {
	given, err := hex.DecodeString(signatureHex)
	if err != nil || len(given) != sha256.Size {
		return false
	}
	match := 0
	for _, secret := range secrets {
		if secret == "" {
			continue
		}
		match |= subtle.ConstantTimeCompare(given, digest(secret, stringToSign))
	}
	return match == 1
}

func digest(secret, text string) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

// CheckTimestamp passes a header that is within window of now, both ends
// included. Only the one plain spelling of a number is read (digits, no sign,
// no space, no leading zero). Both sides count whole seconds, because a client
// can only send whole seconds: a fraction on our side alone would make the
// window shorter towards the past than towards the future.
func CheckTimestamp(header string, now time.Time, window time.Duration) error {
	if header == "" || len(header) > maxTimestampDigits || (header[0] == '0' && header != "0") {
		return ErrTimestampFormat
	}
	for _, digit := range []byte(header) {
		if digit < '0' || digit > '9' {
			return ErrTimestampFormat
		}
	}
	sent, err := strconv.ParseInt(header, 10, 64)
	if err != nil {
		return ErrTimestampFormat
	}
	skew := now.Unix() - sent
	if skew < 0 {
		skew = -skew
	}
	if skew > int64(window/time.Second) {
		return ErrTimestampWindow
	}
	return nil
}
