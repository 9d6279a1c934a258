package bridge

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/policies"
	"github.com/prestashop-bridge/bridge/schemas"
)

// The vendor's paging; what it answers beyond its limits is documented
// nowhere, so a wrong value is refused rather than bent.
const (
	defaultLimit = 10
	maxLimit     = 50
	maxPage      = 1_000_000
	maxIDs       = 200
	maxAddress   = 2048
)

// webhookFields are the members of the resource.
var webhookFields = []string{"id", "address", "topic", "content_type", "created_at", "updated_at"}

// invalidFields is the resource's refusal: 422 with every fault by its field.
func invalidFields(faults ...schemas.FieldError) *Error {
	fault := Fault(CodeInvalidFields, nil, "%d value(s) cannot be taken.", len(faults))
	fault.Fields = faults
	return fault
}

// webhookQuery is a request's path and parameters, read and checked.
type webhookQuery struct {
	id          int64
	limit, page int
	sinceID     int64
	topic       Topic
	ids         []int64
	fields      []string
	state       DeliveryState
	faults      []schemas.FieldError
}

// readQuery reads what the resource takes and refuses all else, all faults at
// once.
func readQuery(resource Resource, req ResourceRequest) (webhookQuery, error) {
	q := webhookQuery{limit: defaultLimit, page: 1}
	if resource.PathKey != "" {
		id, err := strconv.ParseInt(req.ID, 10, 64)
		if err != nil || id < 1 {
			return q, unknownID(Fault(CodeNotFound, nil, "A webhook's id is a number."))
		}
		q.id = id
	}
	for _, name := range slices.Sorted(maps.Keys(req.Query)) {
		if !slices.Contains(resource.Query, name) {
			if !req.Lenient {
				q.refuse(clipped(name), "additionalProperties", "unknown parameter; leave it out", "未知参数，请去掉")
			}
			continue
		}
		if len(req.Query[name]) > 1 {
			q.refuse(name, "duplicate", "given more than once; give it once", "重复出现，只能出现一次")
			continue
		}
		q.read(name, req.Query.Get(name))
	}
	if len(q.faults) > 0 {
		return q, invalidFields(q.faults...)
	}
	return q, nil
}

// clipped bounds what comes back of a name that a client chose.
func clipped(name string) string {
	if runes := []rune(name); len(runes) > 40 {
		return string(runes[:39]) + "…"
	}
	return name
}

func (q *webhookQuery) refuse(name, keyword, en, zh string) {
	q.faults = append(q.faults, schemas.Say(name, keyword, en, zh))
}

func (q *webhookQuery) read(name, value string) {
	switch name {
	case "limit":
		q.limit = int(q.whole(name, value, 1, maxLimit))
	case "page":
		q.page = int(q.whole(name, value, 1, maxPage))
	case "since_id":
		q.sinceID = q.whole(name, value, 0, 1<<62)
	case "topic":
		if q.topic = Topic(value); !KnownTopic(q.topic) {
			q.refuse(name, "enum", unknownTopicEN, unknownTopicZH)
		}
	case "ids":
		q.readIDs(value)
	case "fields":
		q.fields = listed(value)
		for _, field := range q.fields {
			if !slices.Contains(webhookFields, field) {
				q.refuse(name, "enum", "must be some of: "+strings.Join(webhookFields, ", "), "必须是以下字段："+strings.Join(webhookFields, ", "))
				return
			}
		}
	case "state":
		if q.state = DeliveryState(value); !slices.Contains([]DeliveryState{DeliveryWaiting, DeliveryDelivered, DeliveryFailed}, q.state) {
			q.refuse(name, "enum", "must be waiting, delivered or failed", "必须是 waiting、delivered 或 failed")
		}
	}
}

// whole reads a number within bounds.
func (q *webhookQuery) whole(name, value string, least, most int64) int64 {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < least || n > most {
		low, high := strconv.FormatInt(least, 10), strconv.FormatInt(most, 10)
		q.refuse(name, "minimum", "must be a whole number from "+low+" to "+high, "必须是 "+low+" 到 "+high+" 的整数")
		return least
	}
	return n
}

// readIDs takes the vendor's own example ids=6,,7: empty elements say nothing.
func (q *webhookQuery) readIDs(value string) {
	q.ids = []int64{}
	for _, word := range listed(value) {
		id, err := strconv.ParseInt(word, 10, 64)
		if err != nil || id < 1 || len(q.ids) == maxIDs {
			q.refuse("ids", "pattern", "must be at most 200 ids, such as 6,7", "必须是最多 200 个编号，例如 6,7")
			return
		}
		q.ids = append(q.ids, id)
	}
}

// listed splits a comma list and drops empty elements.
func listed(value string) []string {
	var words []string
	for word := range strings.SplitSeq(value, ",") {
		if word = strings.TrimSpace(word); word != "" {
			words = append(words, word)
		}
	}
	return words
}

func (q webhookQuery) of(actor Actor) WebhookQuery {
	return WebhookQuery{ClientID: actor.ClientID, Shop: actor.Shop, Topic: q.topic, IDs: q.ids, SinceID: q.sinceID}
}

// project shows the members that fields= names, all without it.
func (q webhookQuery) project(w Webhook) schemas.Webhook {
	shown := w.view()
	if len(q.fields) == 0 {
		return shown
	}
	for name, clear := range map[string]func(){
		"id": func() { shown.ID = 0 }, "address": func() { shown.Address = "" }, "topic": func() { shown.Topic = "" },
		"content_type": func() { shown.ContentType = "" }, "created_at": func() { shown.CreatedAt = "" }, "updated_at": func() { shown.UpdatedAt = "" },
	} {
		if !slices.Contains(q.fields, name) {
			clear()
		}
	}
	return shown
}

const (
	unknownTopicEN = "is not a known topic; docs/webhooks.md lists them"
	unknownTopicZH = "不是已知的 topic"
)

// webhookWish is what a body asks for; nil members were not given.
type webhookWish struct {
	address, topic, contentType *string
	faults                      []schemas.FieldError
}

// readWish reads the envelope {"webhook": {…}}. What the bridge itself fills in
// (id, created_at, updated_at) may come back from clients that send whole
// objects, and is passed over.
func (s *Subscriptions) readWish(ctx context.Context, actor Actor, req ResourceRequest) (webhookWish, error) {
	var wish webhookWish
	doc, faults := schemas.Parse(req.Body)
	if len(faults) > 0 {
		return wish, violation(faults)
	}
	envelope, _ := doc.Value().(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(envelope)) {
		if name != "webhook" && !req.Lenient {
			wish.refuse(clipped(name), "additionalProperties", "unknown property; allowed here: webhook", "未知字段；此处允许：webhook")
		}
	}
	members, isObject := envelope["webhook"].(map[string]any)
	if _, given := envelope["webhook"]; given && !isObject {
		wish.refuse("webhook", "type", "must be an object", "必须是对象")
		return wish, invalidFields(wish.faults...)
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		wish.read(name, members[name], req.Lenient)
	}
	return wish, s.judge(ctx, actor, &wish)
}

func (w *webhookWish) refuse(name, keyword, en, zh string) {
	w.faults = append(w.faults, schemas.Say(name, keyword, en, zh))
}

func (w *webhookWish) read(name string, value any, lenient bool) {
	into := map[string]**string{"address": &w.address, "topic": &w.topic, "content_type": &w.contentType}[name]
	switch {
	case into == nil && (lenient || slices.Contains(webhookFields, name)):
	case into == nil:
		w.refuse(clipped(name), "additionalProperties", "unknown property; allowed here: address, topic, content_type", "未知字段；此处允许：address、topic、content_type")
	case value == nil && name == "content_type":
	default:
		text, isText := value.(string)
		switch {
		case value == nil, isText && strings.TrimSpace(text) == "":
			w.faults = append(w.faults, schemas.Missing(name))
		case !isText:
			w.refuse(name, "type", "must be a string", "必须是字符串")
		default:
			*into = &text
		}
	}
}

// missing are the faults of a new webhook that does not say what it is for.
func (w webhookWish) missing() []schemas.FieldError {
	var faults []schemas.FieldError
	for _, m := range []struct {
		name  string
		value *string
	}{{"address", w.address}, {"topic", w.topic}} {
		said := slices.ContainsFunc(w.faults, func(f schemas.FieldError) bool { return f.Pointer == m.name })
		if m.value == nil && !said {
			faults = append(faults, schemas.Missing(m.name))
		}
	}
	return faults
}

// judge looks at the values that were given.
func (s *Subscriptions) judge(ctx context.Context, actor Actor, w *webhookWish) error {
	if w.topic != nil {
		switch topic := Topic(*w.topic); {
		case !KnownTopic(topic):
			w.refuse("topic", "enum", unknownTopicEN, unknownTopicZH)
		case topic.Personal() && !actor.Holds(auth.ScopePII):
			return Fault(CodeInsufficientScope, nil, "Events of %s are about persons; they need the scope %s.", topic, auth.ScopePII)
		}
	}
	if w.contentType != nil && !slices.Contains(ContentTypes, *w.contentType) {
		all := strings.Join(ContentTypes, ", ")
		w.refuse("content_type", "enum", "must be one of: "+all, "必须是以下之一："+all)
	}
	if w.address != nil {
		if why := s.addressFault(ctx, *w.address); why != "" {
			w.refuse("address", "format", why, "地址无效：必须是可公开访问的 https 地址")
		}
	}
	return nil
}

// platformHosts are the vendor's own, where no receiver of a client can be.
var platformHosts = []string{"youhaosuda.com"}

func (s *Subscriptions) addressFault(ctx context.Context, address string) string {
	if len(address) > maxAddress {
		return "must have at most 2048 characters"
	}
	if err := s.Admit(ctx, address); err != nil {
		return "must be a public https address: " + strings.TrimPrefix(err.Error(), policies.ErrAddressRefused.Error()+": ")
	}
	u, err := url.Parse(address)
	if err != nil {
		return "must be a public https address: it cannot be parsed"
	}
	if u.Fragment != "" {
		return "must have no fragment"
	}
	host := strings.ToLower(u.Hostname())
	platform := slices.ContainsFunc(platformHosts, func(own string) bool { return host == own || strings.HasSuffix(host, "."+own) })
	if platform || strings.EqualFold(u.Host, s.OwnHost) {
		return "must not lead to the platform itself"
	}
	return ""
}

// apply writes what was given.
func (w webhookWish) apply(to *Webhook, actor Actor, now time.Time) {
	for _, m := range []struct {
		given *string
		into  *string
	}{{w.address, &to.Address}, {w.topic, (*string)(&to.Topic)}, {w.contentType, &to.ContentType}} {
		if m.given != nil {
			*m.into = *m.given
		}
	}
	to.PII, to.UpdatedAt = actor.Holds(auth.ScopePII), now
}

// intention is that of a new webhook by this wish.
func (w webhookWish) intention() string {
	made := Webhook{ContentType: ContentForm}
	w.apply(&made, Actor{}, time.Time{})
	return made.intention()
}
