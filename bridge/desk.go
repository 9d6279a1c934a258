package bridge

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strconv"
	"time"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/policies"
	"github.com/prestashop-bridge/bridge/schemas"
)

// Desk is where the doors bring every request: the same checks in the same
// order whatever the door. All exported fields are required but the last two.
type Desk struct {
	Intake      Intake
	Jobs        JobReader
	Docket      Docket // of a client's own cancellations
	Shops       Shops
	Transport   Transport
	Replays     ReplayCache
	Limiter     Limiter
	Rules       policies.Book
	MaxAttempts int
	Now         func() time.Time
	NewID       func() string // UUID v7 of a job
	Log         *slog.Logger
	Observe     Observer
	Trace       Tracer

	lookout lookout
}

// Request is one call of an operation, as a door received it.
type Request struct {
	Operation string
	RequestID string // UUID v4; for writes the idempotency key
	Arguments []byte // JSON object, exactly as sent
	Method    string // HTTP verb, "" at the MCP doors
	Prefer    []string
	// OnProgress hears of a followed job's progress; nil for none.
	OnProgress func(schemas.Progress)
}

// Answer is the outcome of a request that was not refused. Reads fill Body.
// Writes fill Acceptance; when the same intention was accepted before, they
// say Repeated and, if its job has succeeded, fill Replay with that job.
type Answer struct {
	Body       any
	Acceptance *schemas.Acceptance
	Repeated   bool
	Replay     json.RawMessage
}

// pollAfter is the advice given with a 202.
const pollAfter = time.Second

// preflightTimeout bounds how long the door waits for the shop before it
// accepts without the shop's opinion; the job meets the same checks again.
const preflightTimeout = 3 * time.Second

// Authorize checks the scope an operation needs.
func (d *Desk) Authorize(actor Actor, op Operation) error { return actor.Authorize(op) }

// Meter takes one request out of the client's window. The window comes back
// for the RateLimit headers; with it an error when nothing is left.
func (d *Desk) Meter(ctx context.Context, actor Actor, op Operation) (RateWindow, error) {
	class := RateRead
	if op.Write {
		class = RateWrite
	}
	window, err := d.Limiter.Take(ctx, actor, class)
	if err != nil {
		return window, err
	}
	if !window.Allowed {
		fault := Fault(CodeRateLimited, nil, "More than %d %s requests in a minute.", window.Limit, class)
		fault.RetryAfter = window.Reset
		return window, fault
	}
	return window, nil
}

// Do carries out a request that the door has authenticated, authorized and
// metered: raw-payload policies, schema, then the use case.
func (d *Desk) Do(ctx context.Context, actor Actor, req Request) (_ Answer, err error) {
	op, known := FindOperation(req.Operation)
	if !known {
		return Answer{}, Fault(CodeNotFound, nil, "There is no operation %.40q.", req.Operation)
	}
	ctx, end := d.tracer().Span(ctx, op.Name, slog.String("client", actor.ClientID), slog.String("shop", ShopLabel(actor.Shop)))
	defer func() { end(err) }()
	if err := d.Authorize(actor, op); err != nil {
		return Answer{}, err
	}
	doc, err := d.checked(op, req)
	if err != nil {
		return Answer{}, err
	}
	if op.Write {
		return d.accept(ctx, actor, op, req.RequestID, doc)
	}
	body, err := d.read(ctx, actor, op, doc, req.OnProgress)
	return Answer{Body: body}, err
}

// checked is the one choke point of policies and schema.
func (d *Desk) checked(op Operation, req Request) (schemas.Document, error) {
	doc, err := Check(d.Rules, op, req)
	if err != nil {
		return doc, err
	}
	return doc, d.checkImages(op, doc)
}

// Check holds a request's arguments to the raw-payload policies and the schema,
// in that order, and gives them as a document.
func Check(rules policies.Book, op Operation, req Request) (schemas.Document, error) {
	if limit := cmp.Or(rules.MaxPayloadBytes, policies.DefaultMaxPayloadBytes); int64(len(req.Arguments)) > limit {
		fault := Fault(CodePayloadTooLarge, nil, "The payload has more than %d bytes.", limit)
		fault.Rule = policies.MaxPayload
		return schemas.Document{}, fault
	}
	doc, faults := schemas.Parse(req.Arguments)
	if len(faults) > 0 {
		return doc, violation(faults)
	}
	refused := rules.CheckRaw(policies.Intention{
		Operation: op.Name, Method: req.Method, Write: op.Write, Payload: doc.Value(), Prefer: req.Prefer,
		PayloadBytes: int64(len(req.Arguments)),
	})
	if len(refused) > 0 {
		return doc, refusal(refused)
	}
	if faults := schemas.Input(op.Name).Validate(doc); len(faults) > 0 {
		return doc, violation(faults)
	}
	return doc, nil
}

// checkImages demands https for what the bridge itself would download.
func (d *Desk) checkImages(op Operation, doc schemas.Document) error {
	if op.Name != OpImportProducts {
		return nil
	}
	var batch schemas.ImportProducts
	if err := doc.Decode(&batch); err != nil {
		return Fault(CodeInternal, err, "The payload passed its schema but cannot be read.")
	}
	var faults []schemas.FieldError
	for i, item := range batch.Items {
		for k, url := range item.Images {
			if err := d.Rules.RequireHTTPS(url); err != nil {
				pointer := "/items/" + strconv.Itoa(i) + "/images_to_download/" + strconv.Itoa(k)
				faults = append(faults, schemas.FieldError{Pointer: pointer, Keyword: "format", Message: err.Error()})
			}
		}
	}
	if len(faults) > 0 {
		return violation(faults)
	}
	return nil
}

func violation(faults []schemas.FieldError) *Error {
	fault := Fault(CodeSchemaViolation, nil, "%d field(s) do not match the schema.", len(faults))
	fault.Fields = faults
	return fault
}

// refusal names the first rule broken; every violation shows in the fields.
func refusal(refused []policies.Violation) *Error {
	first := refused[0]
	fault := Fault(CodePolicyRefused, nil, "%s", first.Sentence)
	fault.Rule, fault.Fix = first.Rule, first.Fix
	for _, v := range refused {
		fault.Fields = append(fault.Fields, schemas.FieldError{Pointer: v.Pointer, Keyword: v.Rule, Message: v.Sentence})
	}
	return fault
}

// read answers the three operations that change nothing.
func (d *Desk) read(ctx context.Context, actor Actor, op Operation, doc schemas.Document, onProgress func(schemas.Progress)) (any, error) {
	switch op.Name {
	case OpGetProduct:
		var in schemas.GetProduct
		if err := doc.Decode(&in); err != nil {
			return nil, err
		}
		shop, err := d.Shops.Shop(ctx, actor.Shop)
		if err != nil {
			return nil, shopAnswer(err)
		}
		product, err := shop.Product(ctx, in.ProductID)
		return product, shopAnswer(err)
	case OpGetOrder:
		var in schemas.GetOrder
		if err := doc.Decode(&in); err != nil {
			return nil, err
		}
		shop, err := d.Shops.Shop(ctx, actor.Shop)
		if err != nil {
			return nil, shopAnswer(err)
		}
		order, err := shop.Order(ctx, in.OrderID, actor.Holds(auth.ScopePII))
		return order, shopAnswer(err)
	default:
		var in schemas.GetJobStatus
		if err := doc.Decode(&in); err != nil {
			return nil, err
		}
		id, err := CheckJobID(in.JobID)
		if err != nil {
			return nil, err
		}
		wait := time.Duration(in.WaitSeconds) * time.Second
		job, err := d.follow(ctx, actor, id, wait, onProgress)
		if err != nil {
			return nil, err
		}
		return job.View(), nil
	}
}

// CheckJobID gives a job's id in the spelling that is stored.
func CheckJobID(text string) (string, error) {
	id, err := schemas.ParseJobID(text)
	if err != nil {
		return "", violation([]schemas.FieldError{{Pointer: "/job_id", Keyword: "format", Message: err.Error()}})
	}
	return id, nil
}

// shopAnswer turns a shop's fault into the program's error; a public *Error
// passes as it is.
func shopAnswer(err error) error {
	var public *Error
	if err == nil || errors.As(err, &public) {
		return err
	}
	fault := shopFault(err).public()
	if fault.Code == CodeShopUnavailable {
		fault.RetryAfter = 5 * time.Second
	}
	return fault
}
