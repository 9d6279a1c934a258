package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
)

var _ bridge.Grants = (*Store)(nil)

// grantColumns name a grant g and the operator o who may be gone.
const (
	grantColumns = `g.id, g.client_id, g.operator, g.scopes, g.resources, g.created_at, g.expires_at, g.revoked_at,
		CASE WHEN o.removed_at IS NULL THEN COALESCE(o.scopes, '') ELSE '' END`
	grantTables = " FROM grants g LEFT JOIN operators o ON o.name = g.operator "
)

// OpenGrant writes a grant with the code that stands for it, and the decision.
func (s *Store) OpenGrant(ctx context.Context, g bridge.Grant, c bridge.AuthorizationCode, d bridge.Decision) error {
	return s.transact(ctx, func(tx *sql.Tx) error {
		if err := insertRows(ctx, tx, "grants (id, client_id, operator, scopes, resources, created_at, expires_at)", [][]any{{
			g.ID, g.ClientID, g.Operator, strings.Join(g.Scopes, " "), strings.Join(g.Resources, " "), g.CreatedAt.UnixMicro(), g.ExpiresAt.UnixMicro(),
		}}); err != nil {
			return err
		}
		if err := insertRows(ctx, tx, "authorization_codes (hash, grant_id, redirect_uri, challenge, expires_at)", [][]any{{
			c.Hash, g.ID, c.RedirectURI, c.Challenge, c.ExpiresAt.UnixMicro(),
		}}); err != nil {
			return err
		}
		return s.appendAudit(ctx, tx, d)
	})
}

// Grant loads a grant; nil when there is none of that id.
func (s *Store) Grant(ctx context.Context, id string) (*bridge.Grant, error) {
	grant, err := scanGrant(s.read.QueryRowContext(ctx, "SELECT "+grantColumns+grantTables+"WHERE g.id = ?", id))
	return grant, s.fault(err)
}

// GrantOfRefresh finds the grant of a refresh token.
func (s *Store) GrantOfRefresh(ctx context.Context, hash string) (*bridge.Grant, error) {
	grant, err := scanGrant(s.read.QueryRowContext(ctx, "SELECT "+grantColumns+grantTables+"JOIN refresh_tokens r ON r.grant_id = g.id WHERE r.hash = ?", hash))
	return grant, s.fault(err)
}

// RedeemCode uses a code up and keeps the first refresh token in its place.
func (s *Store) RedeemCode(ctx context.Context, hash string, first bridge.RefreshToken, replayed bridge.Decision, judge func(bridge.Grant, bridge.AuthorizationCode) error) (bridge.Grant, error) {
	code := bridge.AuthorizationCode{Hash: hash}
	var expires int64
	return s.exchange(ctx, exchange{
		table: "authorization_codes", columns: "redirect_uri, challenge, expires_at", hash: hash,
		fields: []any{&code.RedirectURI, &code.Challenge, &expires}, next: first, replayed: replayed,
		judge: func(g bridge.Grant) error {
			code.ExpiresAt = fromMicros(expires)
			return judge(g, code)
		},
	})
}

// RotateRefresh uses a refresh token up and keeps the next in its place.
func (s *Store) RotateRefresh(ctx context.Context, hash string, next bridge.RefreshToken, replayed bridge.Decision, judge func(bridge.Grant, bridge.RefreshToken) error) (bridge.Grant, error) {
	var expires int64
	return s.exchange(ctx, exchange{
		table: "refresh_tokens", columns: "expires_at", hash: hash,
		fields: []any{&expires}, next: next, replayed: replayed,
		judge: func(g bridge.Grant) error {
			return judge(g, bridge.RefreshToken{Hash: hash, ExpiresAt: fromMicros(expires)})
		},
	})
}

// exchange is one use of a code or refresh token.
type exchange struct {
	table, columns, hash string
	fields               []any // what columns are scanned into
	next                 bridge.RefreshToken
	replayed             bridge.Decision
	judge                func(bridge.Grant) error
}

// exchange locks the token's row, so that of two that come at once one is the
// second. Its answer to a replay is kept outside the transaction, which must
// not be rolled back: it ends the grant.
func (s *Store) exchange(ctx context.Context, e exchange) (bridge.Grant, error) {
	var grant bridge.Grant
	var answer error
	err := s.transact(ctx, func(tx *sql.Tx) error {
		answer = nil // of a try that a deadlock undid
		var grantID string
		var used sql.NullInt64
		row := tx.QueryRowContext(ctx, "SELECT grant_id, used_at, "+e.columns+" FROM "+e.table+" WHERE hash = ?"+s.forUpdate, e.hash)
		switch err := row.Scan(append([]any{&grantID, &used}, e.fields...)...); {
		case errors.Is(err, sql.ErrNoRows):
			answer = bridge.ErrUnknownToken
			return nil
		case err != nil:
			return err
		}
		// The grant is locked second by all: whoever ends it waits, or is seen.
		known, err := scanGrant(tx.QueryRowContext(ctx, "SELECT "+grantColumns+grantTables+"WHERE g.id = ?"+s.forUpdate, grantID))
		if err != nil {
			return err
		}
		if known == nil {
			answer = bridge.ErrUnknownToken
			return nil
		}
		if used.Valid {
			answer = bridge.ErrUsedBefore
			e.replayed.Subject = known.Holder()
			return s.endGrant(ctx, tx, grantID, e.replayed)
		}
		if answer = e.judge(*known); answer != nil {
			return nil
		}
		grant = *known
		if _, err := tx.ExecContext(ctx, "UPDATE "+e.table+" SET used_at = ? WHERE hash = ?", e.replayed.At.UnixMicro(), e.hash); err != nil {
			return err
		}
		return insertRows(ctx, tx, "refresh_tokens (hash, grant_id, expires_at)", [][]any{{e.next.Hash, grantID, e.next.ExpiresAt.UnixMicro()}})
	})
	if err == nil {
		err = answer
	}
	return grant, err
}

// RevokeGrant ends a grant, with the decision.
func (s *Store) RevokeGrant(ctx context.Context, id string, d bridge.Decision) error {
	return s.transact(ctx, func(tx *sql.Tx) error { return s.endGrant(ctx, tx, id, d) })
}

// endGrant writes the decision only when it ends something.
func (s *Store) endGrant(ctx context.Context, tx *sql.Tx, id string, d bridge.Decision) error {
	result, err := tx.ExecContext(ctx, "UPDATE grants SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL", d.At.UnixMicro(), id)
	if err != nil {
		return err
	}
	if ended, err := result.RowsAffected(); err != nil || ended == 0 {
		return err
	}
	return s.appendAudit(ctx, tx, d)
}

// UseAssertion notes the id of a client assertion; false when it was noted
// before. The two are hashed together, as the client chose the id.
func (s *Store) UseAssertion(ctx context.Context, clientID, id string, until time.Time) (bool, error) {
	sum := sha256.Sum256([]byte(clientID + "\x00" + id))
	err := s.patiently(ctx, func() error {
		_, err := s.write.ExecContext(ctx, "INSERT INTO assertions (hash, expires_at) VALUES (?, ?)", hex.EncodeToString(sum[:]), until.UnixMicro())
		return err
	})
	if s.duplicate(err) {
		return false, nil
	}
	return err == nil, s.fault(err)
}

// scanGrant reads a row of grantColumns; nil when there is none.
func scanGrant(row scanner) (*bridge.Grant, error) {
	var g bridge.Grant
	var scopes, resources, operators string
	var created, expires int64
	var revoked sql.NullInt64
	err := row.Scan(&g.ID, &g.ClientID, &g.Operator, &scopes, &resources, &created, &expires, &revoked, &operators)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	g.Scopes, g.Resources, g.OperatorScopes = strings.Fields(scopes), strings.Fields(resources), strings.Fields(operators)
	g.CreatedAt, g.ExpiresAt, g.RevokedAt = fromMicros(created), fromMicros(expires), fromTime(revoked)
	return &g, nil
}

// grantGrace is how long what has ended about logins is kept beyond its end: a
// node whose clock is behind still knows it.
const grantGrace = 24 * time.Hour

// RetainGrants removes grants that have ended, with their codes and tokens,
// and assertions that could not be used again anyway.
func (s *Store) RetainGrants(ctx context.Context) error {
	ended := s.now().Add(-grantGrace).UnixMicro()
	for {
		var ids []string
		err := s.transact(ctx, func(tx *sql.Tx) (err error) {
			ids, err = texts(tx.QueryContext(ctx, "SELECT id FROM grants WHERE expires_at < ? OR revoked_at < ? ORDER BY id LIMIT ?", ended, ended, retainBatch))
			for _, id := range ids {
				for _, statement := range []string{
					"DELETE FROM authorization_codes WHERE grant_id = ?", "DELETE FROM refresh_tokens WHERE grant_id = ?", "DELETE FROM grants WHERE id = ?",
				} {
					if err == nil {
						_, err = tx.ExecContext(ctx, statement, id)
					}
				}
			}
			return err
		})
		if err != nil {
			return err
		}
		if len(ids) < retainBatch {
			break
		}
	}
	return s.transact(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM assertions WHERE expires_at < ?", ended)
		return err
	})
}
