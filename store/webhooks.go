package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"

	"github.com/prestashop-bridge/bridge/bridge"
)

var _ bridge.WebhookStore = (*Store)(nil)

const webhookColumns = `w.id, w.client_id, w.shop, w.topic, w.address, w.content_type, w.pii, w.sealed_secret, w.sealed_old, w.old_until,
	w.request_id, w.intention, w.created_at, w.updated_at, w.failing_since, w.disabled_at, w.disabled_for`

// Webhooks lists a client's webhooks by id.
func (s *Store) Webhooks(ctx context.Context, q bridge.WebhookQuery) ([]bridge.Webhook, error) {
	where, args := webhookWhere(q)
	query := "SELECT " + webhookColumns + " FROM webhooks w" + where + " ORDER BY w.id"
	if q.Limit > 0 {
		query, args = query+" LIMIT ? OFFSET ?", append(args, q.Limit, q.Offset)
	}
	rows, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, s.fault(err)
	}
	defer rows.Close()
	var list []bridge.Webhook
	for rows.Next() {
		w, err := scanWebhook(rows)
		if err != nil {
			return nil, s.fault(err)
		}
		list = append(list, w)
	}
	return list, s.fault(rows.Err())
}

// CountWebhooks counts what Webhooks would list without its limit.
func (s *Store) CountWebhooks(ctx context.Context, q bridge.WebhookQuery) (n int, err error) {
	where, args := webhookWhere(q)
	err = s.read.QueryRowContext(ctx, "SELECT COUNT(*) FROM webhooks w"+where, args...).Scan(&n)
	return n, s.fault(err)
}

// webhookWhere narrows by client and shop when a client is named; the operator
// sees all.
func webhookWhere(q bridge.WebhookQuery) (string, []any) {
	var where []string
	var args []any
	if q.ClientID != "" {
		where, args = append(where, "w.client_id = ?", "w.shop = ?"), append(args, q.ClientID, q.Shop)
	}
	if q.Topic != "" {
		where, args = append(where, "w.topic = ?"), append(args, string(q.Topic))
	}
	if q.SinceID > 0 {
		where, args = append(where, "w.id > ?"), append(args, q.SinceID)
	}
	if q.IDs != nil {
		if len(q.IDs) == 0 {
			return " WHERE 0 = 1", nil
		}
		where = append(where, "w.id IN "+marks(len(q.IDs)))
		for _, id := range q.IDs {
			args = append(args, id)
		}
	}
	if len(where) == 0 {
		return "", nil
	}
	return " WHERE " + strings.Join(where, " AND "), args
}

// Webhook loads one; CodeNotFound when there is none.
func (s *Store) Webhook(ctx context.Context, id int64) (bridge.Webhook, error) {
	w, err := scanWebhook(s.read.QueryRowContext(ctx, "SELECT "+webhookColumns+" FROM webhooks w WHERE w.id = ?", id))
	return w, s.fault(noWebhook(err, id))
}

func noWebhook(err error, id int64) error {
	if errors.Is(err, sql.ErrNoRows) {
		return bridge.Fault(bridge.CodeNotFound, nil, "There is no webhook %d.", id)
	}
	return err
}

// AddWebhook writes a new webhook, or gives the one its request id stands for.
func (s *Store) AddWebhook(ctx context.Context, w bridge.Webhook) (bridge.Webhook, bool, error) {
	added := false
	err := s.transact(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, "INSERT INTO webhooks (client_id, shop, topic, address, content_type, pii, sealed_secret, sealed_old, request_id, intention, created_at, updated_at, disabled_for) VALUES "+marks(13),
			w.ClientID, w.Shop, string(w.Topic), w.Address, w.ContentType, w.PII, w.SealedSecret, "",
			sql.NullString{String: w.RequestID, Valid: w.RequestID != ""}, w.Intention, w.CreatedAt.UnixMicro(), w.UpdatedAt.UnixMicro(), "")
		if err != nil {
			return err
		}
		added = true
		w.ID, err = result.LastInsertId()
		return err
	})
	if !s.duplicate(err) {
		return w, added, err
	}
	known, err := scanWebhook(s.read.QueryRowContext(ctx, "SELECT "+webhookColumns+" FROM webhooks w WHERE w.client_id = ? AND w.request_id = ?", w.ClientID, w.RequestID))
	return known, false, s.fault(err)
}

// AmendWebhook stores what change makes of a webhook, with the decision if
// there is one.
func (s *Store) AmendWebhook(ctx context.Context, id int64, d *bridge.Decision, change func(*bridge.Webhook) error) (bridge.Webhook, error) {
	var w bridge.Webhook
	err := s.transact(ctx, func(tx *sql.Tx) (err error) {
		w, err = scanWebhook(tx.QueryRowContext(ctx, "SELECT "+webhookColumns+" FROM webhooks w WHERE w.id = ?"+s.forUpdate, id))
		if err != nil {
			return noWebhook(err, id)
		}
		disabled := w.DisabledAt != nil
		if err := change(&w); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE webhooks SET topic = ?, address = ?, content_type = ?, pii = ?, sealed_secret = ?, sealed_old = ?, old_until = ?,
			updated_at = ?, failing_since = ?, disabled_at = ?, disabled_for = ? WHERE id = ?`,
			string(w.Topic), w.Address, w.ContentType, w.PII, w.SealedSecret, w.SealedOld, toTime(w.OldUntil),
			w.UpdatedAt.UnixMicro(), toTime(w.FailingSince), toTime(w.DisabledAt), words(w.DisabledFor), id)
		if err == nil && w.DisabledAt != nil && !disabled {
			err = s.giveUpOn(ctx, tx, w)
		}
		if err == nil && d != nil {
			err = s.appendAudit(ctx, tx, *d)
		}
		return err
	})
	return w, err
}

// disable ends a webhook by the bridge's own judgement, once.
func (s *Store) disable(ctx context.Context, tx *sql.Tx, w bridge.Webhook, why string) (bool, error) {
	now := s.now().UTC()
	done, err := affected(tx.ExecContext(ctx, "UPDATE webhooks SET disabled_at = ?, disabled_for = ? WHERE id = ? AND disabled_at IS NULL", now.UnixMicro(), why, w.ID))
	if err != nil || !done {
		return false, err
	}
	w.DisabledAt, w.DisabledFor = &now, why
	if err := s.giveUpOn(ctx, tx, w); err != nil {
		return false, err
	}
	return true, s.appendAudit(ctx, tx, bridge.Decision{
		Operator: "bridge", Action: bridge.ActionWebhookDisable, Subject: bridge.WebhookTarget(w.ID), Reason: why, At: now,
	})
}

// giveUpOn settles what waits for a webhook that was disabled and tells its
// client's other webhooks.
func (s *Store) giveUpOn(ctx context.Context, tx *sql.Tx, w bridge.Webhook) error {
	if _, err := tx.ExecContext(ctx, "UPDATE deliveries SET state = ?, due_at = NULL, fence = fence + 1, settled_at = ? WHERE webhook_id = ? AND live = 1",
		string(bridge.DeliveryFailed), s.now().UnixMicro(), w.ID); err != nil {
		return err
	}
	return s.insertEvents(ctx, tx, news{
		shop: w.Shop, clientID: w.ClientID, topic: bridge.TopicWebhookDisabled, object: bridge.WebhookTarget(w.ID),
		bodies: func() (json.RawMessage, json.RawMessage, error) {
			raw, err := json.Marshal(w.Disabled())
			return raw, nil, err
		},
	})
}

// RemoveWebhook removes a webhook and what waits for it; what was delivered
// stays in the log until its retention is over.
func (s *Store) RemoveWebhook(ctx context.Context, clientID string, id int64) error {
	return s.transact(ctx, func(tx *sql.Tx) error {
		found, err := affected(tx.ExecContext(ctx, "DELETE FROM webhooks WHERE id = ? AND client_id = ?", id, clientID))
		if err == nil && !found {
			err = noWebhook(sql.ErrNoRows, id)
		}
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "DELETE FROM deliveries WHERE webhook_id = ? AND live = 1", id)
		return err
	})
}

// WebhookToken gives the sealed token of a client in a shop; the one offered is
// stored when there is none.
func (s *Store) WebhookToken(ctx context.Context, clientID, shop, offered string) (token string, err error) {
	known := func() error {
		return s.read.QueryRowContext(ctx, "SELECT sealed_token FROM webhook_tokens WHERE client_id = ? AND shop = ?", clientID, shop).Scan(&token)
	}
	if err := known(); !errors.Is(err, sql.ErrNoRows) {
		return token, s.fault(err)
	}
	err = s.transact(ctx, func(tx *sql.Tx) error {
		return insertRows(ctx, tx, "webhook_tokens (client_id, shop, sealed_token, created_at)", [][]any{{clientID, shop, offered, s.now().UnixMicro()}})
	})
	if s.duplicate(err) { // another node stored the first one
		return token, s.fault(known())
	}
	return offered, err
}

// ReplaceWebhookToken stores another token, with the decision.
func (s *Store) ReplaceWebhookToken(ctx context.Context, d bridge.Decision, clientID, sealed string) error {
	return s.transact(ctx, func(tx *sql.Tx) error {
		known, err := affected(tx.ExecContext(ctx, "UPDATE webhook_tokens SET sealed_token = ?, created_at = ? WHERE client_id = ?", sealed, s.now().UnixMicro(), clientID))
		if err == nil && !known {
			err = bridge.Fault(bridge.CodeNotFound, nil, "The client %.64s has no webhook token yet; its first webhook makes one.", clientID)
		}
		if err != nil {
			return err
		}
		return s.appendAudit(ctx, tx, d)
	})
}

// scanWebhook reads a row of webhookColumns.
func scanWebhook(row scanner) (bridge.Webhook, error) {
	var read webhookRow
	err := row.Scan(read.into()...)
	return read.webhook(), err
}

// webhookRow is a row of webhookColumns, alone or beside other columns.
type webhookRow struct {
	w                          bridge.Webhook
	oldUntil, failing, stopped sql.NullInt64
	requestID                  sql.NullString
	created, updated           int64
}

func (r *webhookRow) into() []any {
	w := &r.w
	return []any{&w.ID, &w.ClientID, &w.Shop, &w.Topic, &w.Address, &w.ContentType, &w.PII, &w.SealedSecret, &w.SealedOld, &r.oldUntil,
		&r.requestID, &w.Intention, &r.created, &r.updated, &r.failing, &r.stopped, &w.DisabledFor}
}

func (r *webhookRow) webhook() bridge.Webhook {
	w := r.w
	w.RequestID, w.OldUntil, w.FailingSince, w.DisabledAt = r.requestID.String, fromTime(r.oldUntil), fromTime(r.failing), fromTime(r.stopped)
	w.CreatedAt, w.UpdatedAt = fromMicros(r.created), fromMicros(r.updated)
	return w
}
