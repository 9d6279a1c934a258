package bridge

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/schemas"
)

const (
	// maxWebhooks is how many a client may have in a shop: each event writes a
	// row for every webhook that wants it.
	maxWebhooks = 500
	// tokenLength is that of the vendor's own webhook tokens.
	tokenLength = 32
)

// Subscriptions are the webhooks as their clients see and change them. All
// fields are required.
type Subscriptions struct {
	Store WebhookStore
	Log   DeliveryLog
	// Admit refuses an address that must not be called; its error says why.
	Admit  func(ctx context.Context, address string) error
	Sealer *auth.Sealer
	// OwnHost is that of this bridge, with its port: a webhook to itself would
	// be a loop.
	OwnHost string
	Now     func() time.Time
}

// ResourceAnswer is a body to be sent and what was done.
type ResourceAnswer struct {
	Body     any
	Answered Disposition
}

// Do carries out a request that the door has authenticated, authorized and
// metered.
func (s *Subscriptions) Do(ctx context.Context, actor Actor, req ResourceRequest) (ResourceAnswer, error) {
	resource, known := FindResource(req.Name)
	if !known {
		return ResourceAnswer{}, Fault(CodeNotFound, nil, "There is no operation %.40q.", req.Name)
	}
	answer := ResourceAnswer{Answered: RequestRead}
	if resource.Write {
		answer.Answered = RequestChanged
	}
	in, err := readQuery(resource, req)
	if err != nil {
		return answer, err
	}
	switch req.Name {
	case OpListWebhooks:
		answer.Body, err = s.list(ctx, actor, in)
	case OpCountWebhooks:
		answer.Body, err = s.count(ctx, actor, in)
	case OpGetWebhook:
		var w Webhook
		w, err = s.own(ctx, actor, in.id)
		answer.Body = schemas.WebhookEnvelope{Webhook: in.project(w)}
	case OpCreateWebhook:
		return s.create(ctx, actor, req)
	case OpUpdateWebhook:
		answer.Body, err = s.update(ctx, actor, in.id, req)
	case OpDeleteWebhook:
		answer.Body, err = schemas.Nothing{}, unknownID(s.Store.RemoveWebhook(ctx, actor.ClientID, in.id))
	case OpGetWebhookSecret:
		answer.Body, err = s.secrets(ctx, actor, in.id)
	case OpListDeliveries:
		answer.Body, err = s.deliveries(ctx, actor, in)
	}
	return answer, err
}

func (s *Subscriptions) list(ctx context.Context, actor Actor, in webhookQuery) (schemas.WebhookList, error) {
	var list schemas.WebhookList
	q := in.of(actor)
	q.Limit, q.Offset = in.limit, (in.page-1)*in.limit
	found, err := s.Store.Webhooks(ctx, q)
	for _, w := range found {
		list.Webhooks = append(list.Webhooks, in.project(w))
	}
	return list, err
}

func (s *Subscriptions) count(ctx context.Context, actor Actor, in webhookQuery) (schemas.Count, error) {
	n, err := s.Store.CountWebhooks(ctx, in.of(actor))
	return schemas.Count{Count: n}, err
}

// own loads a webhook of the actor's client.
func (s *Subscriptions) own(ctx context.Context, actor Actor, id int64) (Webhook, error) {
	w, err := s.Store.Webhook(ctx, id)
	if err == nil {
		err = w.belongsTo(actor)
	}
	return w, unknownID(err)
}

// belongsTo refuses a webhook of somebody else as if it were not there.
func (w Webhook) belongsTo(actor Actor) error {
	if w.ClientID != actor.ClientID || w.Shop != actor.Shop {
		return Fault(CodeNotFound, nil, "There is no webhook %d.", w.ID)
	}
	return nil
}

// unknownID is 422 in this resource, not 404: the vendor's clients expect it.
func unknownID(err error) error {
	if err == nil || AsError(err).Code != CodeNotFound {
		return err
	}
	return invalidFields(schemas.Say("id", "exists", "there is no webhook of this id", "不存在"))
}

func (s *Subscriptions) create(ctx context.Context, actor Actor, req ResourceRequest) (ResourceAnswer, error) {
	wish, err := s.readWish(ctx, actor, req)
	if err != nil {
		return ResourceAnswer{}, err
	}
	if faults := wish.missing(); len(faults) > 0 {
		return ResourceAnswer{}, invalidFields(append(faults, wish.faults...)...)
	}
	if len(wish.faults) > 0 {
		return ResourceAnswer{}, invalidFields(wish.faults...)
	}
	now := s.Now().UTC()
	w := Webhook{
		ClientID: actor.ClientID, Shop: actor.Shop, ContentType: ContentForm, RequestID: req.RequestID,
		SealedSecret: s.Sealer.Seal(NewWebhookSecret(), sealedForWebhooks(actor.ClientID)), CreatedAt: now,
	}
	wish.apply(&w, actor, now)
	w.Intention = w.intention()
	if err := s.roomFor(ctx, actor, w); err != nil {
		return ResourceAnswer{}, err
	}
	if _, err := s.token(ctx, actor.ClientID, w.Shop); err != nil {
		return ResourceAnswer{}, err
	}
	w, added, err := s.Store.AddWebhook(ctx, w)
	if err != nil {
		return ResourceAnswer{}, err
	}
	answer := ResourceAnswer{Body: schemas.WebhookEnvelope{Webhook: w.view()}, Answered: RequestChanged}
	if !added {
		if w.Intention != wish.intention() {
			return ResourceAnswer{}, conflict(false)
		}
		answer.Answered = RequestReplayed
	}
	return answer, nil
}

// roomFor refuses a webhook too many. Two at the same time may both find room;
// the bound is against a loop, not exact.
func (s *Subscriptions) roomFor(ctx context.Context, actor Actor, w Webhook) error {
	n, err := s.Store.CountWebhooks(ctx, WebhookQuery{ClientID: actor.ClientID, Shop: w.Shop})
	if err == nil && n >= maxWebhooks {
		err = invalidFields(schemas.Say("webhook", "maxItems", "a client may have 500 webhooks; remove some first", "每个客户端最多 500 个 webhook，请先删除一些"))
	}
	return err
}

func (s *Subscriptions) update(ctx context.Context, actor Actor, id int64, req ResourceRequest) (schemas.WebhookEnvelope, error) {
	wish, err := s.readWish(ctx, actor, req)
	if err == nil && len(wish.faults) > 0 {
		err = invalidFields(wish.faults...)
	}
	if err != nil {
		return schemas.WebhookEnvelope{}, err
	}
	w, err := s.Store.AmendWebhook(ctx, id, nil, func(w *Webhook) error {
		if err := w.belongsTo(actor); err != nil {
			return err
		}
		wish.apply(w, actor, s.Now().UTC())
		w.enable()
		return nil
	})
	return schemas.WebhookEnvelope{Webhook: w.view()}, unknownID(err)
}

// enable lets a webhook be told again and forgets its failures.
func (w *Webhook) enable() { w.DisabledAt, w.DisabledFor, w.FailingSince = nil, "", nil }

// intention is what a request for the webhook asks for.
func (w Webhook) intention() string {
	h := sha256.New()
	for _, part := range []string{string(w.Topic), w.Address, w.ContentType} {
		h.Write([]byte(part + "\n"))
	}
	return hex.EncodeToString(h.Sum(nil))
}

func (s *Subscriptions) secrets(ctx context.Context, actor Actor, id int64) (schemas.WebhookSecrets, error) {
	w, err := s.own(ctx, actor, id)
	if err != nil {
		return schemas.WebhookSecrets{}, err
	}
	live, err := w.Secrets(s.Sealer, s.Now())
	if err != nil {
		return schemas.WebhookSecrets{}, err
	}
	shown := schemas.WebhookSecrets{ID: w.ID, Secret: live[0]}
	if len(live) > 1 {
		shown.PreviousSecret = live[1]
	}
	shown.WebhookToken, err = s.token(ctx, w.ClientID, w.Shop)
	return shown, err
}

// Token gives the token that keys X-YHSD-HMAC-SHA256 for the actor's webhooks.
func (s *Subscriptions) Token(ctx context.Context, actor Actor) (string, error) {
	return s.token(ctx, actor.ClientID, actor.Shop)
}

// token gives the client's webhook token in a shop, made when first needed.
func (s *Subscriptions) token(ctx context.Context, clientID, shop string) (string, error) {
	offered := s.Sealer.Seal(auth.NewSecret()[:tokenLength], sealedForWebhooks(clientID))
	sealed, err := s.Store.WebhookToken(ctx, clientID, shop, offered)
	if err != nil {
		return "", err
	}
	return Delivery{Webhook: Webhook{ClientID: clientID}, SealedToken: sealed}.Token(s.Sealer)
}

func (s *Subscriptions) deliveries(ctx context.Context, actor Actor, in webhookQuery) (schemas.DeliveryList, error) {
	var list schemas.DeliveryList
	w, err := s.own(ctx, actor, in.id)
	if err != nil {
		return list, err
	}
	found, err := s.Log.Deliveries(ctx, DeliveryQuery{WebhookID: w.ID, State: in.state, Limit: in.limit})
	if err != nil {
		return list, err
	}
	for _, d := range found {
		attempts, err := s.Log.Attempts(ctx, d.ID)
		if err != nil {
			return list, err
		}
		list.Deliveries = append(list.Deliveries, d.View(attempts))
	}
	return list, nil
}

// view is the webhook as clients see it.
func (w Webhook) view() schemas.Webhook {
	return schemas.Webhook{
		ID: w.ID, Address: w.Address, Topic: string(w.Topic), ContentType: w.ContentType,
		CreatedAt: w.CreatedAt.Format(schemas.WebhookTime), UpdatedAt: w.UpdatedAt.Format(schemas.WebhookTime),
	}
}

// View is the delivery as its client sees it.
func (d Delivery) View(attempts []Attempt) schemas.Delivery {
	shown := schemas.Delivery{
		ID: d.ID, EventID: d.Event.ID, Topic: string(d.Event.Topic), Object: d.Event.Object, State: string(d.State),
		CreatedAt: d.CreatedAt.Format(schemas.WebhookTime),
	}
	if d.SettledAt != nil {
		shown.SettledAt = d.SettledAt.Format(schemas.WebhookTime)
	}
	if d.DueAt != nil && d.DueAt.After(d.CreatedAt) {
		shown.NextAttemptAt = d.DueAt.Format(schemas.WebhookTime)
	}
	for _, a := range attempts {
		shown.Attempts = append(shown.Attempts, schemas.DeliveryAttempt{
			At: a.At.Format(schemas.WebhookTime), Milliseconds: a.Took.Milliseconds(), Status: a.Status, Response: a.Response, Error: a.Error,
		})
	}
	return shown
}
