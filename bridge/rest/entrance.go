package rest

import "github.com/prestashop-bridge/bridge/bridge"

// visit is a call to one of the hub's operations, with what the checks have
// found out so far.
type visit struct {
	*call
	op        bridge.Operation
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
	desk   *bridge.Desk
	checks []check
}

func newEntrance(d *Door, origins sources) *entrance {
	intake := newBodies(d)
	who := guard{gate: d.Gate, desk: d.Desk, resource: d.BaseURL, origins: origins}
	signed := signatures{window: d.SignatureWindow, now: d.Now}
	// The order is the contract's (security, "order of checks"): the cheap and
	// the anonymous before the dear and the personal. No body is read before
	// its sender has shown a token, none is decoded before its signature
	// verifies, and nobody's rate window pays for requests that are not theirs.
	return &entrance{desk: d.Desk, checks: []check{
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
		arguments,
	}}
}

func (e *entrance) serve(c *call, op bridge.Operation) error {
	c.w.Header().Set("Cache-Control", "no-store")
	c.operation = op.Name
	v := &visit{call: c, op: op}
	defer v.leave()
	for _, passes := range e.checks {
		if err := passes(v); err != nil {
			return err
		}
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
