package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/prestashop-bridge/bridge/bridge"
)

// metadataColumn is a client's metadata beside its other columns.
const metadataColumn = `COALESCE((SELECT m.metadata FROM client_metadata m WHERE m.client_id = clients.id), '{}')`

// writeMetadata replaces a client's metadata.
func writeMetadata(ctx context.Context, tx *sql.Tx, c bridge.RegisteredClient) error {
	document, err := json.Marshal(c.Metadata)
	if err != nil {
		return fmt.Errorf("store: the metadata of client %s: %w", c.ID, err)
	}
	if _, err := tx.ExecContext(ctx, "DELETE FROM client_metadata WHERE client_id = ?", c.ID); err != nil {
		return err
	}
	return insertRows(ctx, tx, "client_metadata (client_id, metadata)", [][]any{{c.ID, string(document)}})
}

func readMetadata(c *bridge.RegisteredClient, document string) error {
	if err := json.Unmarshal([]byte(document), &c.Metadata); err != nil {
		return fmt.Errorf("store: the metadata of client %s: %w", c.ID, err)
	}
	return nil
}
