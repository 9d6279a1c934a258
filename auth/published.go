package auth

import (
	_ "embed"
	"encoding/json"
	"strconv"
	"sync"
)

// Example is one of the signature examples the contract was published with: a
// request of which every signed part and the signature are known.
type Example struct {
	Method     string `json:"method"`
	URI        string `json:"uri"`
	Timestamp  int64  `json:"timestamp"`
	RequestID  string `json:"request_id"`
	Body       string `json:"body"` // the exact bytes, "" for none
	BodySHA256 string `json:"body_sha256"`
	Signature  string `json:"signature"`
}

// StringToSign is the text the example's signature is over.
func (e Example) StringToSign() string {
	return StringToSign(e.Method, e.URI, strconv.FormatInt(e.Timestamp, 10), e.RequestID, BodyHash([]byte(e.Body)))
}

// Examples are the published signature examples and the secret that was
// published with them. The secret is known to everybody: it signs nothing real.
type Examples struct {
	Secret   string    `json:"secret"`
	Examples []Example `json:"vectors"`
}

// The file is the one the tests read, so that program and tests cannot hold
// different examples.
//
//go:embed testdata/vectors.json
var publishedFile []byte

// Published gives the examples of the contract, in its order.
var Published = sync.OnceValue(func() Examples {
	var file struct {
		BridgeHMAC Examples `json:"bridge_hmac"`
	}
	if err := json.Unmarshal(publishedFile, &file); err != nil {
		panic("auth: the published examples inside the program cannot be read: " + err.Error())
	}
	return file.BridgeHMAC
})
