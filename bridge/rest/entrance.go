package rest

import (
	"net/http"
	"net/url"

	"github.com/prestashop-bridge/bridge/bridge"
)

// visit is a call to one of the hub's operations, with what the checks have
// found out so far.
type visit struct {
	*call
	op        bridge.Operation
	takes     bool       // the request has a body to be read as JSON
	params    url.Values // of a resource
	client    bridge.Client
	actor     bridge.Actor
	body      []byte  // as sent, compressed when compressed
	arguments []byte  // the JSON object the hub reads
	held      []*hold // shares of the body budgets, until the visit ends
}

func (v *visit) leave() {
	for _, h := range v.held {
		h.release()
	}
}

// check looks at one thing and refuses by returning a fault.
type check func(*visit) error

// entrance leads a call to the hub.
type entrance struct {
	desk     *bridge.Desk
	webhooks *bridge.Subscriptions
	checks   []check
}

func newEntrance(d *Door, origins sources) *entrance {
	intake := newBodies(d)
	who := guard{gate: d.Gate, desk: d.Desk, resource: d.BaseURL, origins: origins}
	signed := signatures{window: d.SignatureWindow, now: d.Now}
	// The order is the contract's (security, "order of checks"): the cheap and
	// the anonymous before the dear and the personal. No body is read before
	// its sender has shown a token, none is decoded before its signature
	// verifies, and nobody's rate window pays for requests that are not theirs.
	return &entrance{desk: d.Desk, webhooks: d.Webhooks, checks: []check{
		intake.size,
		origins.admit,
		who.token,
		who.source,
		who.scope,
		signed.timestamp,
		requestID,
		intake.read,
		signed.signature,
		who.rate,
		media,
		intake.decode,
	}}
}

// admit runs the checks over a visit.
func (e *entrance) admit(v *visit, last check) error {
	v.w.Header().Set("Cache-Control", "no-store")
	v.operation = v.op.Name
	for _, passes := range e.checks {
		if err := passes(v); err != nil {
			return err
		}
	}
	return last(v)
}

func (e *entrance) serve(c *call, op bridge.Operation) error {
	v := &visit{call: c, op: op, takes: op.Write}
	defer v.leave()
	if err := e.admit(v, arguments); err != nil {
		return err
	}
	answer, err := e.desk.Do(c.r.Context(), v.actor, bridge.Request{
		Operation: op.Name,
		RequestID: c.requestID,
		Arguments: v.arguments,
		Method:    c.r.Method,
		Prefer:    c.r.Header.Values("Prefer"),
	})
	if err != nil {
		return err
	}
	c.answered = answer.Disposition()
	return writeAnswer(c, op, answer)
}

// serveResource leads a call to the bridge's own resources. They are answered
// at once: nothing of them is the shop's.
func (e *entrance) serveResource(c *call, r bridge.Resource) error {
	v := &visit{call: c, op: r.Operation, takes: r.Takes}
	defer v.leave()
	if err := e.admit(v, parameters); err != nil {
		return err
	}
	return answerResource(c, e.webhooks, v.actor, bridge.ResourceRequest{
		Name: r.Name, ID: c.value, Query: v.params, Body: v.arguments, RequestID: c.requestID,
	})
}

// answerResource asks the hub and sends what it says.
func answerResource(c *call, webhooks *bridge.Subscriptions, actor bridge.Actor, request bridge.ResourceRequest) error {
	answer, err := webhooks.Do(c.r.Context(), actor, request)
	if err != nil {
		return err
	}
	c.answered = answer.Answered
	if answer.Answered == bridge.RequestReplayed {
		c.w.Header().Set("Idempotent-Replayed", "true")
	}
	return c.writeJSON(http.StatusOK, answer.Body)
}
