package policies

import (
	"slices"
	"strings"
)

// The ids of the seven rules, as they appear in refusals and documents.
const (
	AcceptedIsNotSuccess     = "accepted-is-not-success"
	HTOnly                   = "ht-only"
	NoDeleteWithOrders       = "no-delete-with-orders"
	NoDirectAccess           = "no-direct-access"
	MaxPayload               = "max-payload"
	NoHeavySyncWrite         = "no-heavy-sync-write"
	RequestIDSingleIntention = "request-id-single-intention"
)

// DefaultMaxPayloadBytes is the limit of a Book that names none: 10 MiB.
const DefaultMaxPayloadBytes = 10 << 20

// maxViolations is how many violations of one rule are reported; a hostile
// payload may hold a million, and an agent reads the first few.
const maxViolations = 10

// Rule is one refusal rule. Sentence and Fix are written for the agent that is
// refused; Enforced names the place that enforces the part of the rule no
// payload can show.
type Rule struct {
	ID       string
	Sentence string
	Fix      string
	Enforced string

	// whole looks at the intention, member at one member of its payload; each
	// returns whether the rule is broken and, if there is more to say than the
	// Sentence, a detail.
	whole      func(Book, Intention) (detail string, broken bool)
	member     func(Book, *member) (detail string, broken bool)
	writesOnly bool
}

// Rules is the list in the order of the contract.
var Rules = []Rule{
	{
		ID:         AcceptedIsNotSuccess,
		Sentence:   "An accepted write is not a success: only a job that reached a terminal state says what happened, and only the bridge sets business_success.",
		Fix:        "Send no business_success; poll tracking_url (get_job_status) until terminal is true and report that result.",
		Enforced:   "the hub's answers: a 202 carries business_success null, true exists only for a succeeded job",
		member:     claimsSuccess,
		writesOnly: true,
	},
	{
		ID:         HTOnly,
		Sentence:   "Prices are changed before tax only: a tax-included (TTC, gross) price is never accepted.",
		Fix:        "Send price_ht, the price before tax, and nothing about a tax-included price; if only the tax-included price is known, ask the merchant for the price before tax.",
		Enforced:   "the raw-payload check of every write",
		member:     taxIncluded,
		writesOnly: true,
	},
	{
		ID:       NoDeleteWithOrders,
		Sentence: "The bridge deletes nothing, because deleting a product that has orders breaks those orders.",
		Fix:      "Send no delete; ask the merchant, who can delete or disable a product in the back office.",
		Enforced: "the raw-payload check of every request, and the shop client, which has no DELETE for products",
		whole:    deletes,
		member:   asksToDelete,
	},
	{
		ID:       NoDirectAccess,
		Sentence: "The database, the file system and the private network are never touched directly: URL fields take public http(s) addresses only.",
		Fix:      "Use the six operations of the bridge; give files as full https:// URLs on a public host.",
		Enforced: "the raw-payload check of every request, the image fetcher at each redirect and dial, and the shop client's list of calls",
		member:   reachesInside,
	},
	{
		ID:       MaxPayload,
		Sentence: "A request is never larger than 10 MB.",
		Fix:      "Split the work into smaller requests, each with its own X-Request-ID (and batch_id).",
		Enforced: "the doors while reading the body, and the raw-payload check",
		whole:    tooLarge,
	},
	{
		ID:         NoHeavySyncWrite,
		Sentence:   "Writes are never executed synchronously: a write is accepted as a job and carried out later.",
		Fix:        "Leave out the wish to wait; send the write, take job_id from the answer and poll it (get_job_status takes wait_seconds).",
		Enforced:   "the raw-payload check of every write, and the hub, where no write route returns a business result",
		whole:      prefersSync,
		member:     asksToWait,
		writesOnly: true,
	},
	{
		ID:       RequestIDSingleIntention,
		Sentence: "One X-Request-ID stands for one intention for 24 hours.",
		Fix:      "Repeat the same id only with the very same request; make a new UUID v4 for every new intention.",
		Enforced: "the store's idempotency table, in the transaction that accepts the job",
	},
}

// RuleByID finds a rule of the list.
func RuleByID(id string) (Rule, bool) {
	for _, rule := range Rules {
		if rule.ID == id {
			return rule, true
		}
	}
	return Rule{}, false
}

// Intention is what a caller wants, before any schema has looked at it.
type Intention struct {
	// Operation is the capability, such as update_product; "" for an unknown route.
	Operation string
	// Method is the HTTP verb, "" at the MCP door.
	Method string
	// Write says that the operation changes the shop.
	Write bool
	// Payload is a decoded JSON tree: map[string]any, []any, string,
	// json.Number, bool, nil.
	Payload any
	// Prefer holds Prefer header values (RFC 7240) and the like.
	Prefer       []string
	PayloadBytes int64
}

// changes reports whether the intention is a write; a verb that can only mean
// one counts on an unknown route too.
func (in Intention) changes() bool {
	switch strings.ToUpper(in.Method) {
	case "POST", "PUT", "PATCH", "DELETE":
		return true
	}
	return in.Write
}

// Violation is one broken rule. Pointer is a JSON pointer (RFC 6901) into the
// payload, "" when the request as a whole breaks the rule.
type Violation struct {
	Rule     string
	Pointer  string
	Sentence string
	Fix      string
}

// Book is the merchant's setting of the rules. The zero Book is the strictest.
type Book struct {
	// MaxPayloadBytes is DefaultMaxPayloadBytes when zero.
	MaxPayloadBytes int64
	// AllowedHosts are exact hosts ("minio.lan") or host:port pairs
	// ("127.0.0.1:9000", "[::1]:9000") that URL fields may name although they
	// are private, and with plain http.
	AllowedHosts []string
}

// CheckRaw is the one choke point of all doors: it looks at the raw intention,
// before the schema, and lists the violations in the order of Rules. An empty
// list means no rule objects.
func (b Book) CheckRaw(in Intention) []Violation {
	found := make([][]Violation, len(Rules))
	changes := in.changes()
	report := func(i int, pointer, detail string) {
		rule := Rules[i]
		sentence := rule.Sentence
		if detail != "" {
			sentence += " " + detail
		}
		found[i] = append(found[i], Violation{Rule: rule.ID, Pointer: pointer, Sentence: sentence, Fix: rule.Fix})
	}
	for i, rule := range Rules {
		if rule.whole == nil || (rule.writesOnly && !changes) {
			continue
		}
		if detail, broken := rule.whole(b, in); broken {
			report(i, "", detail)
		}
	}
	readable := walk(in.Payload, func(m *member) {
		for i, rule := range Rules {
			if rule.member == nil || (rule.writesOnly && !changes) || len(found[i]) >= maxViolations {
				continue
			}
			if detail, broken := rule.member(b, m); broken {
				report(i, m.pointer(), detail)
			}
		}
	})
	if !readable {
		report(slices.IndexFunc(Rules, func(r Rule) bool { return r.ID == MaxPayload }), "", "This one has too many different field names.")
	}
	var all []Violation
	for _, violations := range found {
		all = append(all, violations...)
	}
	return all
}

func tooLarge(b Book, in Intention) (string, bool) {
	limit := b.MaxPayloadBytes
	if limit == 0 {
		limit = DefaultMaxPayloadBytes
	}
	return "", in.PayloadBytes > limit
}
