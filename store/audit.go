package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/prestashop-bridge/bridge/bridge"
)

const auditColumns = "seq, at, operator, action, subject, reason, previous, hash"

// appendAudit chains a decision to the end of the log. The last row stays
// locked until the transaction ends, and the primary key refuses a second
// entry of the same number, so the chain cannot fork.
func (s *Store) appendAudit(ctx context.Context, tx *sql.Tx, d bridge.Decision) error {
	last, err := scanAudit(tx.QueryRowContext(ctx, "SELECT "+auditColumns+" FROM audit ORDER BY seq DESC LIMIT 1"+s.forUpdate))
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	d.Operator, d.Reason = words(d.Operator), words(d.Reason)
	e := bridge.NextAuditEntry(last, d)
	return insertRows(ctx, tx, "audit ("+auditColumns+")", [][]any{{e.Seq, e.At.UnixMicro(), e.Operator, e.Action, e.Subject, e.Reason, e.Previous, e.Hash}})
}

// Audit gives up to limit entries after the one with that number, in order.
func (s *Store) Audit(ctx context.Context, after int64, limit int) ([]bridge.AuditEntry, error) {
	rows, err := s.read.QueryContext(ctx, "SELECT "+auditColumns+" FROM audit WHERE seq > ? ORDER BY seq LIMIT ?", after, limit)
	if err != nil {
		return nil, s.fault(err)
	}
	defer rows.Close()
	var entries []bridge.AuditEntry
	for rows.Next() {
		e, err := scanAudit(rows)
		if err != nil {
			return nil, s.fault(err)
		}
		entries = append(entries, e)
	}
	return entries, s.fault(rows.Err())
}

// scanner is one row, of one or of many.
type scanner interface{ Scan(into ...any) error }

func scanAudit(row scanner) (e bridge.AuditEntry, err error) {
	var at int64
	err = row.Scan(&e.Seq, &at, &e.Operator, &e.Action, &e.Subject, &e.Reason, &e.Previous, &e.Hash)
	e.At = fromMicros(at)
	return e, err
}
