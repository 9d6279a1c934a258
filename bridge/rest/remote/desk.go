package remote

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"mime"
	"net/http"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/bridge/rest/client"
	"github.com/prestashop-bridge/bridge/policies"
	"github.com/prestashop-bridge/bridge/schemas"
)

const (
	// callTimeout ends a call before the hosts of models do: most give a tool a
	// minute, and then show nothing of why.
	callTimeout = 55 * time.Second
	// exchangeTimeout is for one request and its answer. A read may take as
	// long as the shop behind the other bridge, by default 30 s.
	exchangeTimeout = 40 * time.Second
	// attempts and maxPause bound what is tried again without telling. Whoever
	// is asked to wait longer than a moment should know and decide.
	attempts = 3
	maxPause = 2 * time.Second
)

// Options are where the other bridge is and as whom to call it. All but the
// last three are required.
type Options struct {
	URL          string // https://bridge.example.com
	ClientID     string
	ClientSecret string
	HMACSecret   string
	Log          *slog.Logger
	// Scopes are asked for in tokens; none means all the client holds.
	Scopes []string
	// Transport and Now are http.DefaultTransport and time.Now when nil.
	Transport http.RoundTripper
	Now       func() time.Time
}

// Desk carries requests to another bridge. Make one with New.
type Desk struct {
	client *client.Client
	log    *slog.Logger
	now    func() time.Time
}

// New makes a desk. It calls nobody yet.
func New(o Options) *Desk {
	d := &Desk{log: o.Log, now: o.Now}
	if d.now == nil {
		d.now = time.Now
	}
	d.client = &client.Client{
		BaseURL: o.URL, ClientID: o.ClientID, ClientSecret: o.ClientSecret, HMACSecret: o.HMACSecret, Scopes: o.Scopes,
		HTTP: &http.Client{Transport: o.Transport, Timeout: exchangeTimeout}, Now: d.now,
		Attempts: attempts, MaxPause: maxPause,
	}
	return d
}

// Connect tries the address and the credentials once; its error is a
// *bridge.Error. The desk works without it, and after its failure too.
func (d *Desk) Connect(ctx context.Context) error {
	if err := d.client.Connect(ctx); err != nil {
		return d.verdict(bridge.Operation{}, err)
	}
	return nil
}

// Authorize checks the scope an operation needs against what this desk asks
// for; what the client really holds, the other bridge checks.
func (d *Desk) Authorize(actor bridge.Actor, op bridge.Operation) error { return actor.Authorize(op) }

// Meter counts nothing: the other bridge has the client's window, over all its
// doors.
func (d *Desk) Meter(context.Context, bridge.Actor, bridge.Operation) (bridge.RateWindow, error) {
	return bridge.RateWindow{Allowed: true}, nil
}

// Cancel ends nothing: REST has no way to ask for it, so a job of the client's
// goes on.
func (d *Desk) Cancel(ctx context.Context, actor bridge.Actor, jobID string) (bool, error) {
	if err := d.Authorize(actor, bridge.CancelJob); err != nil {
		return false, err
	}
	asked, err := json.Marshal(map[string]string{"job_id": jobID})
	if err != nil {
		return false, err
	}
	_, err = d.Do(ctx, actor, bridge.Request{Operation: bridge.OpGetJobStatus, Arguments: asked})
	return false, err
}

// RecentJobs names none: REST shows a job to whoever has its id, and lists none.
func (d *Desk) RecentJobs(context.Context, bridge.Actor, int) ([]bridge.JobState, error) {
	return nil, nil
}

// NewReceipt begins the receipt of a request that has just come in.
func (d *Desk) NewReceipt(door bridge.DoorName) bridge.Receipt {
	return bridge.Receipt{Door: door, Began: d.now()}
}

// Record writes the audit line of a request. The other bridge writes its own.
func (d *Desk) Record(ctx context.Context, r bridge.Receipt) {
	r.Log(ctx, d.log, d.now().Sub(r.Began))
}

// Do carries out a request at the other bridge, within callTimeout. An error is
// a *bridge.Error.
func (d *Desk) Do(ctx context.Context, actor bridge.Actor, req bridge.Request) (bridge.Answer, error) {
	op, known := bridge.FindOperation(req.Operation)
	if !known {
		return bridge.Answer{}, bridge.Fault(bridge.CodeNotFound, nil, "There is no operation %.40q.", req.Operation)
	}
	if err := d.Authorize(actor, op); err != nil {
		return bridge.Answer{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if op.Write {
		return d.write(ctx, op, req)
	}
	// The path carries one value only; all else is judged before it is lost.
	doc, err := bridge.Check(policies.Book{}, op, req)
	if err != nil {
		return bridge.Answer{}, err
	}
	body, err := d.read(ctx, op, doc, req.OnProgress)
	return bridge.Answer{Body: body}, err
}

// write sends a write as it came. The other bridge judges it by its own rules.
func (d *Desk) write(ctx context.Context, op bridge.Operation, req bridge.Request) (bridge.Answer, error) {
	id, err := bridge.CheckRequestID(req.RequestID)
	if err != nil {
		return bridge.Answer{}, unsendable(op, req, err)
	}
	response, err := d.call(ctx, op, id, req.Arguments)
	switch {
	case err != nil:
		return bridge.Answer{}, err
	case response.Finished != nil:
		return replayed(op, response.Finished.Job)
	case response.Accepted == nil:
		return bridge.Answer{}, unusable(op, errors.New("neither an acceptance nor a job"))
	}
	accepted, err := acceptance(op, *response.Accepted)
	return bridge.Answer{Acceptance: accepted}, err
}

// unsendable is the verdict on a write that REST has no form for, as it carries
// the request id in a header. It is the one the hub comes to, except that the
// hosts the other bridge takes images from are not known here.
func unsendable(op bridge.Operation, req bridge.Request, noID error) error {
	_, err := bridge.Check(policies.Book{}, op, req)
	if err == nil || bridge.AsError(err).Rule == policies.NoDirectAccess {
		return noID
	}
	return err
}

// read answers the three operations that change nothing.
func (d *Desk) read(ctx context.Context, op bridge.Operation, doc schemas.Document, onProgress func(schemas.Progress)) (any, error) {
	switch op.Name {
	case bridge.OpGetProduct:
		asked, product := schemas.GetProduct{}, schemas.Product{}
		err := d.fetch(ctx, op, doc, &asked, &product)
		if err == nil && product.ID != asked.ProductID {
			err = unusable(op, errors.New("the answer is another product"))
		}
		return product, err
	case bridge.OpGetOrder:
		asked, order := schemas.GetOrder{}, schemas.Order{}
		err := d.fetch(ctx, op, doc, &asked, &order)
		if err == nil && order.ID != asked.OrderID {
			err = unusable(op, errors.New("the answer is another order"))
		}
		return order, err
	default:
		var asked schemas.GetJobStatus
		if err := doc.Decode(&asked); err != nil {
			return nil, err
		}
		return d.follow(ctx, op, asked, onProgress)
	}
}

// fetch reads what asked names into found.
func (d *Desk) fetch(ctx context.Context, op bridge.Operation, doc schemas.Document, asked, found any) error {
	if err := doc.Decode(asked); err != nil {
		return err
	}
	response, err := d.call(ctx, op, "", doc.Canonical())
	if err != nil {
		return err
	}
	return decode(op, response, found)
}

// call sends one request until it is answered, and takes only what a bridge
// answers for an answer.
func (d *Desk) call(ctx context.Context, op bridge.Operation, requestID string, payload []byte) (client.Response, error) {
	response, err := d.client.Do(ctx, op.Name, requestID, payload)
	if err != nil {
		return response, d.verdict(op, err)
	}
	if mediaType, _, err := mime.ParseMediaType(response.Header.Get("Content-Type")); err != nil || mediaType != "application/json" {
		return response, unusable(op, errors.New("the answer is not application/json"))
	}
	return response, nil
}
