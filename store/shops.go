package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/prestashop-bridge/bridge/bridge"
)

var _ bridge.ShopRegistry = (*Store)(nil)

const shopColumns = "name, url, employee_id, sealed_key, created_at, removed_at"

// RegisteredShops lists all shops but that of the settings by name, removed
// ones too.
func (s *Store) RegisteredShops(ctx context.Context) ([]bridge.RegisteredShop, error) {
	rows, err := s.read.QueryContext(ctx, "SELECT "+shopColumns+" FROM shops ORDER BY name")
	if err != nil {
		return nil, s.fault(err)
	}
	defer rows.Close()
	var list []bridge.RegisteredShop
	for rows.Next() {
		shop, err := scanShop(rows)
		if err != nil {
			return nil, s.fault(err)
		}
		list = append(list, *shop)
	}
	return list, s.fault(rows.Err())
}

// AmendShop stores what change makes of a shop, with the decision. The shop's
// row stays locked between the look at who uses it and the write.
func (s *Store) AmendShop(ctx context.Context, d bridge.Decision, change func(*bridge.RegisteredShop, func() (bridge.ShopUse, error)) (bridge.RegisteredShop, error)) error {
	return s.transact(ctx, func(tx *sql.Tx) error {
		known, err := scanShop(tx.QueryRowContext(ctx, "SELECT "+shopColumns+" FROM shops WHERE name = ?"+s.forUpdate, d.Subject))
		if err != nil {
			return err
		}
		shop, err := change(known, func() (bridge.ShopUse, error) { return usedBy(ctx, tx, d.Subject) })
		if err != nil {
			return err
		}
		if err := replaceShop(ctx, tx, shop); err != nil {
			return err
		}
		return s.appendAudit(ctx, tx, d)
	})
}

// usedBy counts who needs a shop.
func usedBy(ctx context.Context, tx *sql.Tx, name string) (use bridge.ShopUse, err error) {
	err = tx.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM clients WHERE shop = ? AND revoked_at IS NULL),
		(SELECT COUNT(*) FROM jobs WHERE stage IN ('live', 'awaiting_approval') AND shop = ?)`,
		name, name).Scan(&use.Clients, &use.Jobs)
	return use, err
}

// replaceShop writes a shop's row. What is remembered of a removed shop goes
// with it.
func replaceShop(ctx context.Context, tx *sql.Tx, shop bridge.RegisteredShop) error {
	if _, err := tx.ExecContext(ctx, "DELETE FROM shops WHERE name = ?", shop.Name); err != nil {
		return err
	}
	if shop.RemovedAt != nil {
		if _, err := tx.ExecContext(ctx, "DELETE FROM images WHERE shop = ?", shop.Name); err != nil {
			return err
		}
		if err := forgetFeed(ctx, tx, shop.Name); err != nil {
			return err
		}
	}
	return insertRows(ctx, tx, "shops ("+shopColumns+")", [][]any{
		{shop.Name, shop.URL, shop.EmployeeID, shop.SealedKey, shop.CreatedAt.UnixMicro(), toTime(shop.RemovedAt)},
	})
}

// holdShop keeps a shop from being removed until the transaction ends.
func (s *Store) holdShop(ctx context.Context, tx *sql.Tx, name string) error {
	if name == "" {
		return nil
	}
	shop, err := scanShop(tx.QueryRowContext(ctx, "SELECT "+shopColumns+" FROM shops WHERE name = ?"+s.forUpdate, name))
	if err == nil && (shop == nil || shop.RemovedAt != nil) {
		return bridge.NoShop(name)
	}
	return err
}

// scanShop reads a row of shopColumns; nil when there is none.
func scanShop(row scanner) (*bridge.RegisteredShop, error) {
	var shop bridge.RegisteredShop
	var created int64
	var removed sql.NullInt64
	err := row.Scan(&shop.Name, &shop.URL, &shop.EmployeeID, &shop.SealedKey, &created, &removed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	shop.CreatedAt, shop.RemovedAt = fromMicros(created), fromTime(removed)
	return &shop, err
}
