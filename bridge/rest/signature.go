package rest

import (
	"errors"
	"time"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// signatures checks that a request is fresh and that its bytes are the
// client's own.
type signatures struct {
	window time.Duration
	now    func() time.Time
}

// timestamp refuses what was signed too long ago or too far ahead. The answer
// tells our clock, which is no secret and the only thing that helps a client
// whose own is wrong.
func (s signatures) timestamp(v *visit) error {
	sent, fault := single(v.r.Header, "X-Timestamp", bridge.CodeTimestampWindow)
	if fault != nil {
		return fault
	}
	now := s.now()
	err := auth.CheckTimestamp(sent, now, s.window)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, auth.ErrTimestampWindow):
		return bridge.Fault(bridge.CodeTimestampWindow, nil, "X-Timestamp is more than %d s away from the bridge's clock, which shows %d.", int(s.window.Seconds()), now.Unix())
	}
	return bridge.Fault(bridge.CodeTimestampWindow, nil, "X-Timestamp must be the unix time in whole seconds, digits only; the bridge's clock shows %d.", now.Unix())
}

// requestID demands X-Request-ID, which is part of what is signed and, for a
// write, the key of its intention.
func requestID(v *visit) error {
	if v.requestID != "" {
		return nil
	}
	sent, fault := single(v.r.Header, requestIDHeader, bridge.CodeInvalidRequest)
	if fault != nil {
		return fault
	}
	fault = bridge.Fault(bridge.CodeInvalidRequest, nil, "The header %s must carry a UUID version 4.", requestIDHeader)
	if _, err := schemas.ParseRequestID(sent); err != nil {
		fault.Fields = []schemas.FieldError{{Pointer: requestIDHeader, Keyword: "format", Message: err.Error()}}
	}
	if sent == "" {
		fault.Fields = []schemas.FieldError{schemas.Missing(requestIDHeader)}
	}
	return fault
}

// signature verifies X-Signature over the request as it was sent, with either
// secret of the client.
func (s signatures) signature(v *visit) error {
	sent, fault := single(v.r.Header, "X-Signature", bridge.CodeBadSignature)
	if fault != nil {
		return fault
	}
	if sent == "" {
		return bridge.Fault(bridge.CodeBadSignature, nil, "The request carries no X-Signature.")
	}
	signed := auth.StringToSign(v.r.Method, v.uri, v.r.Header.Get("X-Timestamp"), v.requestID, auth.BodyHash(v.body))
	if !auth.VerifySignature(v.client.HMACSecrets, signed, sent) {
		return bridge.Fault(bridge.CodeBadSignature, nil, "X-Signature does not match the request as it arrived.")
	}
	return nil
}
