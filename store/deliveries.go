package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
)

var _ bridge.Outbox = (*Store)(nil)

// Lanes gives the next due delivery of each webhook that has one. The first
// statement keeps an idle node cheap: one look at the head of an index.
func (s *Store) Lanes(ctx context.Context, without []int64) ([]bridge.Lane, error) {
	var one int
	err := s.read.QueryRowContext(ctx, "SELECT 1 FROM deliveries WHERE live = 1 AND due_at <= "+s.clock(s.now)+" LIMIT 1").Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, s.fault(err)
	}
	query, args := s.lanesQuery(without)
	rows, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, s.fault(err)
	}
	defer rows.Close()
	var lanes []bridge.Lane
	for rows.Next() {
		var lane bridge.Lane
		if err := rows.Scan(&lane.WebhookID, &lane.Address, &lane.DeliveryID); err != nil {
			return nil, s.fault(err)
		}
		lanes = append(lanes, lane)
	}
	return lanes, s.fault(rows.Err())
}

// lanesQuery asks webhook by webhook, so that a backlog of one costs the
// others nothing. A revoked client's deliveries stay where they are.
func (s *Store) lanesQuery(without []int64) (string, []any) {
	query := `SELECT id, address, head FROM (SELECT w.id, w.address, (
			SELECT d.id FROM deliveries d WHERE d.webhook_id = w.id AND d.live = 1 AND d.due_at <= ` + s.clock(s.now) + `
			AND (SELECT 1 FROM deliveries older WHERE older.webhook_id = d.webhook_id AND older.object_key = d.object_key AND older.live = 1 AND older.id < d.id LIMIT 1) IS NULL
			ORDER BY d.due_at, d.id LIMIT 1) AS head
		FROM webhooks w LEFT JOIN clients c ON c.id = w.client_id WHERE w.enabled = 1 AND c.revoked_at IS NULL`
	var args []any
	if len(without) > 0 {
		query += " AND w.id NOT IN " + marks(len(without))
		for _, id := range without {
			args = append(args, id)
		}
	}
	return query + ") lanes WHERE head IS NOT NULL", args
}

// ClaimDeliveries leases those that are still due, in one transaction, and
// loads what their sender needs.
func (s *Store) ClaimDeliveries(ctx context.Context, ids []int64, node string, lease time.Duration) ([]bridge.Delivery, error) {
	var claimed []bridge.Delivery
	asked := s.now()
	// One order for all nodes, so that two of them never wait for each other.
	ids = slices.Sorted(slices.Values(ids))
	err := s.transact(ctx, func(tx *sql.Tx) error {
		claimed = nil
		var mine []any
		for _, id := range ids {
			taken, err := affected(tx.ExecContext(ctx, "UPDATE deliveries SET due_at = "+s.clock(s.now)+" + ?, fence = fence + 1, node = ? WHERE id = ? AND live = 1 AND due_at <= "+s.clock(s.now),
				lease.Microseconds(), node, id))
			if err != nil {
				return err
			}
			if taken {
				mine = append(mine, id)
			}
		}
		if len(mine) == 0 {
			return nil
		}
		var err error
		claimed, err = scanDeliveries(tx.QueryContext(ctx, "SELECT "+deliveryColumns+deliveryJoin+" WHERE d.id IN "+marks(len(mine))+" ORDER BY d.id", mine...))
		return err
	})
	if err != nil {
		return nil, err // not committed: whatever was read is not ours
	}
	for i := range claimed {
		claimed[i].Until = asked.Add(lease)
	}
	return claimed, nil
}

// Settle writes down an attempt and what follows from it.
func (s *Store) Settle(ctx context.Context, d bridge.Delivery, end bridge.AttemptEnd) (disabled bool, err error) {
	err = s.transact(ctx, func(tx *sql.Tx) error {
		disabled = false
		var now, fence int64
		err := tx.QueryRowContext(ctx, "SELECT "+s.clock(s.now)+", fence FROM deliveries WHERE id = ? AND live = 1"+s.forUpdate, d.ID).Scan(&now, &fence)
		if errors.Is(err, sql.ErrNoRows) || err == nil && fence != d.Fence {
			return bridge.ErrFenced
		}
		if err != nil {
			return err
		}
		if err := insertRows(ctx, tx, "delivery_attempts (delivery_id, fence, at, took, status, response, error)", [][]any{{
			d.ID, d.Fence, end.At.UnixMicro(), end.Took.Microseconds(), end.Status, words(end.Response), words(end.Error),
		}}); err != nil {
			return err
		}
		due, settled := sql.NullInt64{Int64: now + end.Pause.Microseconds(), Valid: true}, sql.NullInt64{}
		if end.State != bridge.DeliveryWaiting {
			due, settled = sql.NullInt64{}, sql.NullInt64{Int64: s.now().UnixMicro(), Valid: true}
		}
		if _, err := tx.ExecContext(ctx, "UPDATE deliveries SET state = ?, attempts = attempts + 1, due_at = ?, settled_at = ? WHERE id = ?", string(end.State), due, settled, d.ID); err != nil {
			return err
		}
		disabled, err = s.judge(ctx, tx, d.Webhook, end)
		return err
	})
	return disabled, err
}

// judge keeps since when an address fails, and disables one that has failed
// for too long or says that it is gone. The webhook's row is written only when
// that changes.
func (s *Store) judge(ctx context.Context, tx *sql.Tx, w bridge.Webhook, end bridge.AttemptEnd) (bool, error) {
	now := s.now()
	switch {
	case end.Gone:
		return s.disable(ctx, tx, w, bridge.DisabledGone)
	case end.State == bridge.DeliveryDelivered && w.FailingSince != nil:
		_, err := tx.ExecContext(ctx, "UPDATE webhooks SET failing_since = NULL WHERE id = ?", w.ID)
		return false, err
	case end.State == bridge.DeliveryDelivered:
		return false, nil
	case w.FailingSince == nil:
		_, err := tx.ExecContext(ctx, "UPDATE webhooks SET failing_since = ? WHERE id = ? AND failing_since IS NULL", now.UnixMicro(), w.ID)
		return false, err
	case now.Sub(*w.FailingSince) >= bridge.FailingLimit:
		return s.disable(ctx, tx, w, bridge.DisabledFailing)
	}
	return false, nil
}

// Backlog tells how many deliveries wait and for how long the oldest has.
func (s *Store) Backlog(ctx context.Context) (bridge.WebhookBacklog, error) {
	var b bridge.WebhookBacklog
	var oldest sql.NullInt64
	err := s.read.QueryRowContext(ctx, "SELECT COUNT(*), MIN(created_at) FROM deliveries WHERE live = 1").Scan(&b.Waiting, &oldest)
	if oldest.Valid {
		b.Oldest = max(0, s.now().Sub(fromMicros(oldest.Int64)))
	}
	return b, s.fault(err)
}

// The body is the one the webhook's client may see.
const deliveryColumns = `d.id, d.state, d.attempts, d.fence, d.due_at, d.created_at, d.settled_at,
	e.id, e.shop, e.client_id, e.topic, e.object_key, CASE WHEN w.pii = 1 AND e.private_body IS NOT NULL THEN e.private_body ELSE e.body END, e.created_at, COALESCE(t.sealed_token, ''), ` + webhookColumns

const deliveryJoin = " FROM deliveries d JOIN events e ON e.id = d.event_id JOIN webhooks w ON w.id = d.webhook_id" +
	" LEFT JOIN webhook_tokens t ON t.client_id = w.client_id AND t.shop = w.shop"

func scanDeliveries(rows *sql.Rows, err error) ([]bridge.Delivery, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []bridge.Delivery
	for rows.Next() {
		var d bridge.Delivery
		var w webhookRow
		var due, settled sql.NullInt64
		var made, happened int64
		var body string
		e := &d.Event
		if err := rows.Scan(append([]any{&d.ID, &d.State, &d.Attempts, &d.Fence, &due, &made, &settled,
			&e.ID, &e.Shop, &e.ClientID, &e.Topic, &e.Object, &body, &happened, &d.SealedToken}, w.into()...)...); err != nil {
			return nil, err
		}
		e.Body, e.CreatedAt = []byte(body), fromMicros(happened)
		d.Webhook, d.DueAt, d.SettledAt, d.CreatedAt = w.webhook(), fromTime(due), fromTime(settled), fromMicros(made)
		list = append(list, d)
	}
	return list, rows.Err()
}
