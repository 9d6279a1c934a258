package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/prestashop-bridge/bridge/bridge"
)

var _ bridge.Registry = (*Store)(nil)

const clientColumns = `id, secret_hash, old_hash, scopes, sealed_hmac, sealed_old, rate_read, rate_write, sources, created_at, revoked_at, shop`

// RegisteredClient loads a client; nil when there is none of that id.
func (s *Store) RegisteredClient(ctx context.Context, id string) (*bridge.RegisteredClient, error) {
	client, err := scanClient(s.read.QueryRowContext(ctx, "SELECT "+clientColumns+", "+metadataColumn+" FROM clients WHERE id = ?", id))
	return client, s.fault(err)
}

// RegisteredClients lists all clients by id, revoked ones too.
func (s *Store) RegisteredClients(ctx context.Context) ([]bridge.RegisteredClient, error) {
	rows, err := s.read.QueryContext(ctx, "SELECT "+clientColumns+", "+metadataColumn+" FROM clients ORDER BY id")
	if err != nil {
		return nil, s.fault(err)
	}
	defer rows.Close()
	var list []bridge.RegisteredClient
	for rows.Next() {
		client, err := scanClient(rows)
		if err != nil {
			return nil, s.fault(err)
		}
		list = append(list, *client)
	}
	return list, s.fault(rows.Err())
}

// AmendClient stores what change makes of a client, with the decision.
func (s *Store) AmendClient(ctx context.Context, d bridge.Decision, change func(*bridge.RegisteredClient) (bridge.RegisteredClient, error)) error {
	return s.transact(ctx, func(tx *sql.Tx) error {
		known, err := scanClient(tx.QueryRowContext(ctx, "SELECT "+clientColumns+", "+metadataColumn+" FROM clients WHERE id = ?"+s.forUpdate, d.Subject))
		if err != nil {
			return err
		}
		client, err := change(known)
		if err != nil {
			return err
		}
		if known == nil {
			if err := s.holdShop(ctx, tx, client.Shop); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM clients WHERE id = ?", client.ID); err != nil {
			return err
		}
		if err := insertRows(ctx, tx, "clients ("+clientColumns+")", [][]any{clientValues(client)}); err != nil {
			return err
		}
		if err := writeMetadata(ctx, tx, client); err != nil {
			return err
		}
		return s.appendAudit(ctx, tx, d)
	})
}

func clientValues(c bridge.RegisteredClient) []any {
	rate := func(class bridge.RateClass) sql.NullInt64 {
		limit, own := c.Limits[class]
		return sql.NullInt64{Int64: int64(limit), Valid: own}
	}
	sources := make([]string, len(c.Sources))
	for i, prefix := range c.Sources {
		sources[i] = prefix.String()
	}
	return []any{
		c.ID, c.SecretHash, c.OldHash, strings.Join(c.Scopes, " "), c.SealedHMAC, c.SealedOld,
		rate(bridge.RateRead), rate(bridge.RateWrite), strings.Join(sources, ","), c.CreatedAt.UnixMicro(), toTime(c.RevokedAt), c.Shop,
	}
}

// scanClient reads a row of clientColumns and metadataColumn; nil when there is none.
func scanClient(row scanner) (*bridge.RegisteredClient, error) {
	var c bridge.RegisteredClient
	var scopes, sources, metadata string
	var read, write, revoked sql.NullInt64
	var created int64
	err := row.Scan(&c.ID, &c.SecretHash, &c.OldHash, &scopes, &c.SealedHMAC, &c.SealedOld, &read, &write, &sources, &created, &revoked, &c.Shop, &metadata)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c.Scopes, c.CreatedAt, c.RevokedAt = strings.Fields(scopes), fromMicros(created), fromTime(revoked)
	for class, limit := range map[bridge.RateClass]sql.NullInt64{bridge.RateRead: read, bridge.RateWrite: write} {
		if limit.Valid {
			if c.Limits == nil {
				c.Limits = map[bridge.RateClass]int{}
			}
			c.Limits[class] = int(limit.Int64)
		}
	}
	for _, text := range strings.FieldsFunc(sources, func(r rune) bool { return r == ',' }) {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("store: the sources of client %s: %w", c.ID, err)
		}
		c.Sources = append(c.Sources, prefix)
	}
	return &c, readMetadata(&c, metadata)
}
