package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/prestashop-bridge/bridge/bridge"
)

var _ bridge.DeliveryLog = (*Store)(nil)

// Deliveries lists deliveries to webhooks that still exist, newest first.
func (s *Store) Deliveries(ctx context.Context, q bridge.DeliveryQuery) ([]bridge.Delivery, error) {
	where, args := deliveryWhere(q)
	limit := q.Limit
	if limit <= 0 {
		limit = defaultList
	}
	list, err := scanDeliveries(s.read.QueryContext(ctx, "SELECT "+deliveryColumns+deliveryJoin+where+" ORDER BY d.id DESC LIMIT ?", append(args, limit)...))
	return list, s.fault(err)
}

func deliveryWhere(q bridge.DeliveryQuery) (string, []any) {
	where, args := []string{"1 = 1"}, []any{}
	add := func(condition string, value any) { where, args = append(where, condition), append(args, value) }
	if q.ID != 0 {
		add("d.id = ?", q.ID)
	}
	if q.WebhookID != 0 {
		add("d.webhook_id = ?", q.WebhookID)
	}
	if q.State != "" {
		add("d.state = ?", string(q.State))
	}
	if !q.Since.IsZero() {
		add("d.created_at >= ?", q.Since.UnixMicro())
	}
	if !q.Until.IsZero() {
		add("d.created_at < ?", q.Until.UnixMicro())
	}
	return " WHERE " + strings.Join(where, " AND "), args
}

// Attempts lists the tries of a delivery, oldest first.
func (s *Store) Attempts(ctx context.Context, deliveryID int64) ([]bridge.Attempt, error) {
	rows, err := s.read.QueryContext(ctx, "SELECT at, took, status, response, error FROM delivery_attempts WHERE delivery_id = ? ORDER BY fence", deliveryID)
	if err != nil {
		return nil, s.fault(err)
	}
	defer rows.Close()
	var list []bridge.Attempt
	for rows.Next() {
		var a bridge.Attempt
		var at, took int64
		if err := rows.Scan(&at, &took, &a.Status, &a.Response, &a.Error); err != nil {
			return nil, s.fault(err)
		}
		a.At, a.Took = fromMicros(at), time.Duration(took)*time.Microsecond
		list = append(list, a)
	}
	return list, s.fault(rows.Err())
}

// replayBatch is how many deliveries one transaction brings back: each is a
// locked row, and the engine needs them.
const replayBatch = 500

// Replay lets settled deliveries wait again. The decision is written once,
// with the first of them, or alone when there is none.
func (s *Store) Replay(ctx context.Context, d bridge.Decision, q bridge.DeliveryQuery) (int, error) {
	where, args := deliveryWhere(q)
	total, after := 0, int64(0)
	for {
		n, last := 0, after
		err := s.transact(ctx, func(tx *sql.Tx) error {
			ids, err := numbers(tx.QueryContext(ctx, "SELECT d.id FROM deliveries d JOIN webhooks w ON w.id = d.webhook_id AND w.enabled = 1"+
				where+" AND d.live = 0 AND d.id > ? ORDER BY d.id LIMIT ?", append(args[:len(args):len(args)], after, replayBatch)...))
			if err != nil {
				return err
			}
			for _, id := range ids {
				if _, err := tx.ExecContext(ctx, "UPDATE deliveries SET state = ?, due_at = 0, attempts = 0, fence = fence + 1, settled_at = NULL WHERE id = ? AND live = 0", string(bridge.DeliveryWaiting), id); err != nil {
					return err
				}
				last = id
			}
			n = len(ids)
			if n > 0 {
				s.telling.Store(tx, nil)
			}
			if total > 0 {
				return nil
			}
			return s.appendAudit(ctx, tx, d)
		})
		if err != nil {
			return total, err
		}
		if total, after = total+n, last; n < replayBatch {
			return total, nil
		}
	}
}

// TestDelivery writes an event of the webhook's topic for that webhook alone.
func (s *Store) TestDelivery(ctx context.Context, d bridge.Decision, webhookID int64, body json.RawMessage) (id int64, err error) {
	err = s.transact(ctx, func(tx *sql.Tx) error {
		w, err := scanWebhook(tx.QueryRowContext(ctx, "SELECT "+webhookColumns+" FROM webhooks w WHERE w.id = ?", webhookID))
		if err != nil {
			return noWebhook(err, webhookID)
		}
		if w.DisabledAt != nil {
			return bridge.Fault(bridge.CodeUnprocessable, nil, "Webhook %d is disabled: %s Enable it first.", w.ID, w.DisabledFor)
		}
		event, object, now := uuid.Must(uuid.NewV7()).String(), bridge.WebhookTarget(w.ID), s.now().UnixMicro()
		if err := insertRows(ctx, tx, eventsInto, [][]any{{event, w.Shop, w.ClientID, string(w.Topic), object, string(body), toText(nil), now}}); err != nil {
			return err
		}
		result, err := tx.ExecContext(ctx, "INSERT INTO "+deliveriesInto+" VALUES "+marks(9), newDelivery(w.ID, event, object, now)...)
		if err != nil {
			return err
		}
		if id, err = result.LastInsertId(); err != nil {
			return err
		}
		s.telling.Store(tx, nil)
		return s.appendAudit(ctx, tx, d)
	})
	return id, err
}

// RetainDeliveries removes deliveries that were settled longer ago, their
// attempts, and events that no delivery needs any more, in small transactions.
func (s *Store) RetainDeliveries(ctx context.Context, age time.Duration) (int, error) {
	before := s.now().Add(-age).UnixMicro()
	removed, err := s.removeOld(ctx, "SELECT id FROM deliveries WHERE live = 0 AND settled_at < ? ORDER BY settled_at LIMIT ?", before,
		"DELETE FROM delivery_attempts WHERE delivery_id IN ", "DELETE FROM deliveries WHERE id IN ")
	if err != nil {
		return removed, err
	}
	_, err = s.removeOld(ctx, "SELECT e.id FROM events e WHERE e.created_at < ? AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.event_id = e.id) ORDER BY e.created_at LIMIT ?", before,
		"DELETE FROM events WHERE id IN ")
	return removed, err
}

// removeOld removes what a query finds, a batch a transaction, until it finds
// no full batch.
func (s *Store) removeOld(ctx context.Context, find string, before int64, statements ...string) (int, error) {
	total := 0
	for {
		n := 0
		err := s.transact(ctx, func(tx *sql.Tx) error {
			ids, err := texts(tx.QueryContext(ctx, find, before, retainBatch))
			n = len(ids)
			if err != nil || n == 0 {
				return err
			}
			var args []any
			for _, id := range ids {
				args = append(args, id)
			}
			for _, statement := range statements {
				if _, err := tx.ExecContext(ctx, statement+marks(n), args...); err != nil {
					return err
				}
			}
			return nil
		})
		total += n
		if err != nil || n < retainBatch {
			return total, err
		}
	}
}

// numbers reads a column of numbers.
func numbers(rows *sql.Rows, err error) ([]int64, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []int64
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			return nil, err
		}
		list = append(list, n)
	}
	return list, rows.Err()
}
