package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// verify takes the body as it arrived, before any parsing.
func verify(secret string, header http.Header, body []byte) bool {
	id, timestamp := header.Get("webhook-id"), header.Get("webhook-timestamp")
	at, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || time.Since(time.Unix(at, 0)).Abs() > 5*time.Minute {
		return false // recorded and sent again
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		return false
	}
	want := "v1," + mac(key, append([]byte(id+"."+timestamp+"."), body...))
	for _, given := range strings.Fields(header.Get("webhook-signature")) {
		if hmac.Equal([]byte(given), []byte(want)) {
			return true
		}
	}
	return false
}

// verifyToken checks X-YHSD-HMAC-SHA256.
func verifyToken(webhookToken string, header http.Header, body []byte) bool {
	return hmac.Equal([]byte(header.Get("X-YHSD-HMAC-SHA256")), []byte(mac([]byte(webhookToken), body)))
}

func mac(key, text []byte) string {
	h := hmac.New(sha256.New, key)
	h.Write(text)
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}
