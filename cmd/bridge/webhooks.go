package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/store"
)

// webhooksUsage is printed for a wrong call of bridge webhooks.
const webhooksUsage = `usage: bridge webhooks ACTION [ID] [flags]
  list                      every webhook; --client, --topic
  deliveries WEBHOOK_ID     newest first; --state waiting|delivered|failed, --since, --until, --limit
  delivery DELIVERY_ID      one delivery with its body and every attempt
  replay DELIVERY_ID        deliver one again
  replay --webhook ID       deliver again what has ended: --state failed for all that failed, --since and --until for a range
  test WEBHOOK_ID           post an event that says it is a test
  rotate WEBHOOK_ID         print a new signing secret; the one before signs beside it for a day
  rotate-token CLIENT_ID    print a new webhook token (X-YHSD-HMAC-SHA256); the one before ends at once
  enable WEBHOOK_ID         let a disabled webhook be told again
  disable WEBHOOK_ID        stop a webhook; what waits for it is given up
Times are RFC 3339, such as 2026-11-22T13:00:00Z. Every change needs a --reason, which is written to the audit log.
`

type webhooksFlags struct {
	envFile, reason, client, topic, state, since, until string
	webhook                                             int64
	limit                                               int
}

// webhookCommand is the operator's hand on webhooks and deliveries.
func webhookCommand(ctx context.Context, p process) error {
	var f webhooksFlags
	set := flags(p, "webhooks")
	set.StringVar(&f.envFile, "env-file", "", "settings file (default .env.bridge when it exists)")
	set.StringVar(&f.reason, "reason", "", "why; it is written to the audit log")
	set.StringVar(&f.client, "client", "", "list: only this client's")
	set.StringVar(&f.topic, "topic", "", "list: only this topic")
	set.StringVar(&f.state, "state", "", "deliveries, replay: only those in this state")
	set.StringVar(&f.since, "since", "", "deliveries, replay: events from this time on")
	set.StringVar(&f.until, "until", "", "deliveries, replay: events before this time")
	set.Int64Var(&f.webhook, "webhook", 0, "replay: deliveries to this webhook")
	set.IntVar(&f.limit, "limit", 50, "deliveries: at most so many")
	words, err := interleaved(set, p.args)
	if err != nil {
		return err
	}
	if !f.fits(words) {
		fmt.Fprint(p.stderr, webhooksUsage)
		return errUsage
	}
	c, db, err := openRecords(ctx, p, f.envFile)
	if err != nil {
		return err
	}
	defer db.Close()
	sealer, err := auth.OpenSealer(c.secretsKeyPath)
	if err != nil {
		return err
	}
	operator := &bridge.WebhookOperator{Store: db, Log: db, Sealer: sealer, Now: time.Now}
	switch words[0] {
	case "list":
		list, err := db.Webhooks(ctx, bridge.WebhookQuery{ClientID: f.client, Topic: bridge.Topic(f.topic)})
		if err != nil {
			return err
		}
		return writeWebhooks(p.stdout, list)
	case "rotate-token":
		token, err := operator.RotateToken(ctx, operatorName(), f.reason, words[1])
		return printed(p.stdout, err, map[string]string{"client_id": words[1], "webhook_token": token})
	case "replay":
		return f.replay(ctx, operator, words[1:], p.stdout)
	}
	id, err := strconv.ParseInt(words[1], 10, 64)
	if err != nil {
		return fmt.Errorf("%q is no id", words[1])
	}
	return f.act(ctx, db, operator, words[0], id, p.stdout)
}

// fits says whether the words are one of the usage's lines.
func (f webhooksFlags) fits(words []string) bool {
	switch {
	case len(words) == 0:
		return false
	case words[0] == "list":
		return len(words) == 1
	case words[0] == "replay":
		return len(words) <= 2 && (len(words) == 2) != (f.webhook != 0)
	}
	return len(words) == 2
}

func (f webhooksFlags) act(ctx context.Context, db *store.Store, o *bridge.WebhookOperator, action string, id int64, out io.Writer) error {
	switch action {
	case "deliveries":
		q, err := f.query()
		if err != nil {
			return err
		}
		q.WebhookID, q.Limit = id, f.limit
		list, err := db.Deliveries(ctx, q)
		if err != nil {
			return err
		}
		return writeDeliveries(out, list)
	case "delivery":
		return showDelivery(ctx, db, id, out)
	case "test":
		delivery, err := o.Test(ctx, operatorName(), f.reason, id)
		return printed(out, err, map[string]int64{"delivery_id": delivery})
	case "rotate":
		secret, err := o.Rotate(ctx, operatorName(), f.reason, id)
		return printed(out, err, map[string]any{"webhook_id": id, "secret": secret})
	case "enable":
		_, err := o.Enable(ctx, operatorName(), f.reason, id)
		return err
	case "disable":
		_, err := o.Disable(ctx, operatorName(), f.reason, id)
		return err
	}
	return fmt.Errorf("there is no action %q\n%s", action, webhooksUsage)
}

func (f webhooksFlags) replay(ctx context.Context, o *bridge.WebhookOperator, words []string, out io.Writer) error {
	q, err := f.query()
	if err != nil {
		return err
	}
	q.WebhookID = f.webhook
	if len(words) > 0 {
		if q.ID, err = strconv.ParseInt(words[0], 10, 64); err != nil {
			return fmt.Errorf("%q is no id of a delivery", words[0])
		}
	} else if q.State == "" && q.Since.IsZero() {
		return errors.New("say what to replay: --state failed, or a range by --since and --until")
	}
	n, err := o.Replay(ctx, operatorName(), f.reason, q)
	return printed(out, err, map[string]int{"replayed": n})
}

// query reads the flags that narrow deliveries.
func (f webhooksFlags) query() (bridge.DeliveryQuery, error) {
	q := bridge.DeliveryQuery{State: bridge.DeliveryState(f.state)}
	switch q.State {
	case "", bridge.DeliveryWaiting, bridge.DeliveryDelivered, bridge.DeliveryFailed:
	default:
		return q, errors.New("--state is waiting, delivered or failed")
	}
	for _, bound := range []struct {
		name, text string
		into       *time.Time
	}{{"since", f.since, &q.Since}, {"until", f.until, &q.Until}} {
		if bound.text == "" {
			continue
		}
		at, err := time.Parse(time.RFC3339, bound.text)
		if err != nil {
			return q, fmt.Errorf("--%s wants a time such as 2026-11-22T13:00:00Z", bound.name)
		}
		*bound.into = at
	}
	return q, nil
}

// printed writes a result as JSON, unless there is none.
func printed(out io.Writer, err error, result any) error {
	if err != nil {
		return err
	}
	lines := json.NewEncoder(out)
	lines.SetIndent("", "  ")
	lines.SetEscapeHTML(false)
	return lines.Encode(result)
}

func writeWebhooks(w io.Writer, list []bridge.Webhook) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tCLIENT\tTOPIC\tADDRESS\tCONTENT TYPE\tCREATED\tFAILING SINCE\tDISABLED")
	for _, h := range list {
		disabled := moment(h.DisabledAt)
		if h.DisabledAt != nil {
			disabled += " " + h.DisabledFor
		}
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", h.ID, h.ClientID, h.Topic, h.Address, h.ContentType, h.CreatedAt.Format(time.RFC3339), moment(h.FailingSince), disabled)
	}
	return table.Flush()
}

func writeDeliveries(w io.Writer, list []bridge.Delivery) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "DELIVERY\tEVENT\tTOPIC\tOBJECT\tSTATE\tATTEMPTS\tCREATED\tNEXT ATTEMPT\tENDED")
	for _, d := range list {
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\n", d.ID, d.Event.ID, d.Event.Topic, d.Event.Object, d.State, d.Attempts,
			d.CreatedAt.Format(time.RFC3339), moment(d.DueAt), moment(d.SettledAt))
	}
	return table.Flush()
}

// moment shows a time, or a dash for none; a delivery that is due at once
// carries the beginning of time.
func moment(at *time.Time) string {
	if at == nil || at.Unix() == 0 {
		return "-"
	}
	return at.Format(time.RFC3339)
}

func showDelivery(ctx context.Context, db *store.Store, id int64, out io.Writer) error {
	found, err := db.Deliveries(ctx, bridge.DeliveryQuery{ID: id})
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return fmt.Errorf("there is no delivery %d, or its webhook is gone", id)
	}
	attempts, err := db.Attempts(ctx, id)
	return printed(out, err, map[string]any{
		"webhook_id": found[0].Webhook.ID, "client_id": found[0].Webhook.ClientID, "address": found[0].Webhook.Address,
		"delivery": found[0].View(attempts), "body": found[0].Event.Body,
	})
}
