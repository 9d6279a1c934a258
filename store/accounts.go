package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/prestashop-bridge/bridge/bridge"
)

var _ bridge.Accounts = (*Store)(nil)

const accountColumns = "name, password_hash, scopes, created_at, removed_at"

// Account loads an account; nil when there is none of that name.
func (s *Store) Account(ctx context.Context, name string) (*bridge.Account, error) {
	account, err := scanAccount(s.read.QueryRowContext(ctx, "SELECT "+accountColumns+" FROM operators WHERE name = ?", name))
	return account, s.fault(err)
}

// Accounts lists all accounts by name, removed ones too.
func (s *Store) Accounts(ctx context.Context) ([]bridge.Account, error) {
	rows, err := s.read.QueryContext(ctx, "SELECT "+accountColumns+" FROM operators ORDER BY name")
	if err != nil {
		return nil, s.fault(err)
	}
	defer rows.Close()
	var list []bridge.Account
	for rows.Next() {
		account, err := scanAccount(rows)
		if err != nil {
			return nil, s.fault(err)
		}
		list = append(list, *account)
	}
	return list, s.fault(rows.Err())
}

// AmendAccount stores what change makes of an account, with the decision.
func (s *Store) AmendAccount(ctx context.Context, d bridge.Decision, ends bool, change func(*bridge.Account) (bridge.Account, error)) error {
	return s.transact(ctx, func(tx *sql.Tx) error {
		known, err := scanAccount(tx.QueryRowContext(ctx, "SELECT "+accountColumns+" FROM operators WHERE name = ?"+s.forUpdate, d.Subject))
		if err != nil {
			return err
		}
		account, err := change(known)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM operators WHERE name = ?", account.Name); err != nil {
			return err
		}
		if err := insertRows(ctx, tx, "operators ("+accountColumns+")", [][]any{{
			account.Name, account.PasswordHash, strings.Join(account.Scopes, " "), account.CreatedAt.UnixMicro(), toTime(account.RemovedAt),
		}}); err != nil {
			return err
		}
		if ends {
			if _, err := tx.ExecContext(ctx, "UPDATE grants SET revoked_at = ? WHERE operator = ? AND revoked_at IS NULL", d.At.UnixMicro(), account.Name); err != nil {
				return err
			}
		}
		return s.appendAudit(ctx, tx, d)
	})
}

// scanAccount reads a row of accountColumns; nil when there is none.
func scanAccount(row scanner) (*bridge.Account, error) {
	var a bridge.Account
	var scopes string
	var created int64
	var removed sql.NullInt64
	err := row.Scan(&a.Name, &a.PasswordHash, &scopes, &created, &removed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	a.Scopes, a.CreatedAt, a.RemovedAt = strings.Fields(scopes), fromMicros(created), fromTime(removed)
	return &a, nil
}
