package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// news is an event that somebody may want to be told of. The bodies are made
// only when somebody does.
type news struct {
	shop     string
	clientID string // "" for every client of the shop
	topic    bridge.Topic
	object   string
	bodies   func() (open, private json.RawMessage, err error)
}

// wanted is a webhook as far as it decides what is written.
type wanted struct {
	id             int64
	topic          bridge.Topic
	shop, clientID string
	pii            bool
}

// tidings are what a transaction makes true, for those who want to hear of it.
type tidings struct {
	told  []news
	looks []outlook
}

// outlook is what the change feed is to look at again in a shop.
type outlook struct {
	shop    string
	now     int64 // by the database's clock
	notices []bridge.Notice
}

// listeners holds for enabled webhooks w that may want to hear of this, or of
// what the change feed will see, of any shop and of revoked clients too: with
// none of those nobody does. "" when there is nothing to hear.
func listeners(told []news, feed bool) (condition string, args []any) {
	topics, clients := []any(nil), []any(nil)
	private := !feed
	for _, n := range told {
		topics, clients = append(topics, string(n.topic)), append(clients, n.clientID)
		private = private && n.clientID != ""
	}
	if feed {
		topics = append(topics, feedTopics...)
	}
	if len(topics) == 0 {
		return "", nil
	}
	topics, clients = distinct(topics), distinct(clients)
	condition = "w.enabled = 1 AND w.topic IN " + marks(len(topics))
	if private {
		return condition + " AND w.client_id IN " + marks(len(clients)), slices.Concat(topics, clients)
	}
	return condition, topics
}

// spread writes them down: looks first, which the events of this transaction do
// not depend on.
func (s *Store) spread(ctx context.Context, tx *sql.Tx, t tidings) error {
	for _, look := range t.looks {
		if err := s.lookAgain(ctx, tx, look); err != nil {
			return err
		}
	}
	return s.insertEvents(ctx, tx, t.told...)
}

// heard leaves out what has no topic: nobody can ask to be told of it.
func heard(list []news) (those []news) {
	for _, n := range list {
		if n.topic != "" {
			those = append(those, n)
		}
	}
	return those
}

// insertEvents writes down what the transaction makes true, and one delivery
// for each webhook that wants it: whatever commits will be told, and nothing
// else. With no such webhook it costs one look into an index.
func (s *Store) insertEvents(ctx context.Context, tx *sql.Tx, list ...news) error {
	list = heard(list)
	if len(list) == 0 {
		return nil
	}
	receivers, err := readWanted(ctx, tx, list)
	if err != nil || len(receivers) == 0 {
		return err
	}
	now := s.now().UnixMicro()
	var events, deliveries [][]any
	for _, n := range list {
		id := ""
		for _, w := range receivers {
			if !w.wants(n) {
				continue
			}
			if id == "" {
				id = uuid.Must(uuid.NewV7()).String()
			}
			deliveries = append(deliveries, newDelivery(w.id, id, n.object, now))
		}
		if id == "" {
			continue
		}
		open, private, err := n.bodies()
		if err != nil {
			return err
		}
		events = append(events, []any{id, n.shop, n.clientID, string(n.topic), n.object, words(string(open)), toText(private), now})
	}
	if len(deliveries) == 0 {
		return nil
	}
	s.telling.Store(tx, nil)
	if err := insertRows(ctx, tx, eventsInto, events); err != nil {
		return err
	}
	return insertRows(ctx, tx, deliveriesInto, deliveries)
}

const (
	eventsInto     = "events (id, shop, client_id, topic, object_key, body, private_body, created_at)"
	deliveriesInto = "deliveries (webhook_id, event_id, object_key, state, attempts, fence, node, due_at, created_at)"
)

func newDelivery(webhookID int64, eventID, object string, now int64) []any {
	return []any{webhookID, eventID, object, string(bridge.DeliveryWaiting), 0, 0, "", 0, now}
}

func (w wanted) wants(n news) bool {
	return w.topic == n.topic && w.shop == n.shop && (n.clientID == "" || n.clientID == w.clientID) && (w.pii || !n.topic.Personal())
}

// readWanted finds the enabled webhooks for any of the topics, of clients that
// were not revoked.
func readWanted(ctx context.Context, tx *sql.Tx, list []news) ([]wanted, error) {
	condition, args := listeners(list, false)
	query := "SELECT w.id, w.topic, w.shop, w.client_id, w.pii FROM webhooks w LEFT JOIN clients c ON c.id = w.client_id WHERE c.revoked_at IS NULL AND " + condition
	rows, err := tx.QueryContext(ctx, query, args...) // in no order: to ask for one would tempt a planner to read by id
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []wanted
	for rows.Next() {
		var w wanted
		if err := rows.Scan(&w.id, &w.topic, &w.shop, &w.clientID, &w.pii); err != nil {
			return nil, err
		}
		found = append(found, w)
	}
	slices.SortFunc(found, func(a, b wanted) int { return cmp.Compare(a.id, b.id) })
	return found, rows.Err()
}

// marks are the placeholders of a list of values.
func marks(n int) string { return "(" + strings.Repeat("?, ", n-1) + "?)" }

func distinct(values []any) []any {
	var kept []any
	for _, v := range values {
		if !slices.Contains(kept, v) {
			kept = append(kept, v)
		}
	}
	return kept
}

// EventsWritten receives after a commit of this process that made deliveries.
func (s *Store) EventsWritten() <-chan struct{} { return s.written }

// told rings for deliveries of a transaction that has committed; one that has
// not is forgotten.
func (s *Store) told(tx *sql.Tx, committed bool) {
	if _, wrote := s.telling.LoadAndDelete(tx); !wrote || !committed {
		return
	}
	select {
	case s.written <- struct{}{}:
	default: // somebody is about to look anyway
	}
}

// jobNews is what a job's move into its status tells, with the job as its
// client sees it.
func jobNews(topic bridge.Topic, job bridge.Job, load func() (bridge.Job, error)) news {
	return news{shop: job.Shop, clientID: job.ClientID, topic: topic, object: bridge.JobTarget(job.ID), bodies: func() (json.RawMessage, json.RawMessage, error) {
		job, err := load()
		if err != nil {
			return nil, nil, err
		}
		raw, err := json.Marshal(job.View())
		return raw, nil, err
	}}
}

// loadJob reads a job with its steps inside a transaction.
func loadJob(ctx context.Context, tx *sql.Tx, id string) (bridge.Job, error) {
	row, err := scanJob(tx.QueryRowContext(ctx, "SELECT 0, "+jobColumns+" FROM jobs WHERE id = ?", id), id)
	if err != nil {
		return bridge.Job{}, err
	}
	row.job.Steps, err = readSteps(ctx, tx, id)
	return row.job, err
}

// progressed tells how far the job has come, if that is further than its row
// said.
func (h holding) progressed(now schemas.Progress) news {
	if now.Done <= h.job.Progress.Done {
		return news{}
	}
	return news{shop: h.job.Shop, clientID: h.job.ClientID, topic: bridge.ProgressTopic(h.job.Kind), object: bridge.JobTarget(h.id), bodies: func() (json.RawMessage, json.RawMessage, error) {
		raw, err := json.Marshal(bridge.ImportProgress{JobID: h.id, BatchID: h.job.BatchID, Progress: now, TrackingURL: bridge.TrackingPath(h.id)})
		return raw, nil, err
	}}
}
