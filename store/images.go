package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// imageTimeout bounds a look into the memory of images; callers remember
// outside their own deadline.
const imageTimeout = 5 * time.Second

// Images remembers one shop's images.
type Images struct {
	store *Store
	shop  string
}

// Images is the memory of a shop, "" for the one of the settings.
func (s *Store) Images(shop string) Images { return Images{store: s, shop: shop} }

// Image gives the shop's id of the image that was stored for a product from
// bytes with this SHA-256 (hex); 0 when none is remembered.
func (i Images) Image(ctx context.Context, productID int64, sha256 string) (int64, error) {
	var id int64
	err := i.store.read.QueryRowContext(ctx, "SELECT image_id FROM images WHERE shop = ? AND product_id = ? AND sha256 = ?", i.shop, productID, sha256).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return id, i.store.fault(err)
}

// RememberImage keeps the id an image was stored under; a newer id replaces
// one whose image is gone from the shop.
func (i Images) RememberImage(ctx context.Context, productID int64, sha256 string, imageID int64) error {
	ctx, cancel := context.WithTimeout(ctx, imageTimeout)
	defer cancel()
	return i.store.transact(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "DELETE FROM images WHERE shop = ? AND product_id = ? AND sha256 = ?", i.shop, productID, sha256); err != nil {
			return err
		}
		return insertRows(ctx, tx, "images (shop, product_id, sha256, image_id)", [][]any{{i.shop, productID, sha256, imageID}})
	})
}
