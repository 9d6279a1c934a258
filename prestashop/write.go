package prestashop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// patch sends one PATCH and makes sure that the answer speaks of the same
// entity.
func (c *client) patch(ctx context.Context, resource string, id int64, e *entity) error {
	out := call{method: http.MethodPatch, resource: resource, id: id}
	saved, err := c.save(ctx, out, e)
	if err == nil && saved != id {
		return unreadable(out, fmt.Errorf("the answer is about %d", saved))
	}
	return err
}

// post sends one POST and gives the new entity's id.
func (c *client) post(ctx context.Context, resource string, query url.Values, e *entity) (int64, error) {
	return c.save(ctx, call{method: http.MethodPost, resource: resource, query: query}, e)
}

func (c *client) save(ctx context.Context, out call, e *entity) (int64, error) {
	body, err := e.bytes()
	if err != nil {
		return 0, err
	}
	out.body, out.contentType = body, xmlType
	a, err := c.do(ctx, out)
	if err != nil {
		return 0, err
	}
	id, err := savedID(a.body, e.node)
	if err != nil {
		return 0, unreadable(out, err)
	}
	return id, nil
}

// afterWrite is the error of a read that follows a write of the same step: the
// write has happened, so the read's harmless failure is not harmless here.
func afterWrite(err error) error {
	return &bridge.ShopError{
		Fault: bridge.Unclear, Code: bridge.CodeShopUnavailable, Cause: err,
		Message: "The change was sent, but the shop could not be read afterwards.",
	}
}

// twice is the error of a write that was answered as done, and is found done
// more than once: something on the way repeated it. The check that follows
// finds the same and leaves it to a person.
func twice(what string) error {
	return &bridge.ShopError{
		Fault: bridge.Unclear, Code: bridge.CodeShopUnavailable,
		Message: "The shop shows " + what + " more than once, though it was sent once.",
	}
}

// declined is a refusal found by reading the shop: nothing was sent. The
// pointer names the field of the payload that cannot be followed.
func declined(pointer, format string, args ...any) *bridge.Error {
	fault := bridge.Fault(bridge.CodeUnprocessable, nil, format, args...)
	fault.Fields = []schemas.FieldError{{Pointer: pointer, Keyword: "shop", Message: fault.Message}}
	return fault
}

// reasonOf is an error in the words that may be shown.
func reasonOf(err error) string {
	var public *bridge.Error
	var fault *bridge.ShopError
	switch {
	case errors.As(err, &public):
		return public.Message
	case errors.As(err, &fault):
		return fault.Message
	}
	return "unknown"
}

// pack writes what a step keeps in the journal. The structs it is used for
// hold numbers, texts and money: nothing json.Marshal can refuse.
func pack(v any) json.RawMessage {
	raw, _ := json.Marshal(v)
	return raw
}

// unpack reads it back; an unreadable journal is a fault of the bridge.
func unpack[T any](raw json.RawMessage) (v T, err error) {
	if err := json.Unmarshal(raw, &v); err != nil {
		return v, bridge.Fault(bridge.CodeInternal, err, "The journal of a step cannot be read.")
	}
	return v, nil
}

// cannotKnow is the finding that leaves a step to a person, with what is known.
func cannotKnow(format string, args ...any) bridge.Finding {
	return bridge.Finding{Verdict: bridge.CannotKnow, Reason: fmt.Sprintf(format, args...)}
}

func notApplied() bridge.Finding { return bridge.Finding{Verdict: bridge.NotApplied} }

func applied(after any, detail string) bridge.Finding {
	return bridge.Finding{Verdict: bridge.Applied, Effect: bridge.Effect{After: pack(after), Detail: detail}}
}
