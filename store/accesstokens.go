package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/prestashop-bridge/bridge/bridge"
)

var _ bridge.AccessTokens = (*Store)(nil)

// TokenClient gives the client a token was issued to; "" for none.
func (s *Store) TokenClient(ctx context.Context, hash string) (clientID string, err error) {
	err = s.read.QueryRowContext(ctx, "SELECT client_id FROM access_tokens WHERE token_hash = ?", hash).Scan(&clientID)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return clientID, s.fault(err)
}

// SetAccessToken replaces a client's token, with the decision.
func (s *Store) SetAccessToken(ctx context.Context, d bridge.Decision, clientID, hash string) error {
	return s.transact(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "DELETE FROM access_tokens WHERE client_id = ?", clientID); err != nil {
			return err
		}
		if hash != "" {
			if err := insertRows(ctx, tx, "access_tokens (client_id, token_hash, created_at)", [][]any{{clientID, hash, s.now().UnixMicro()}}); err != nil {
				return err
			}
		}
		return s.appendAudit(ctx, tx, d)
	})
}
