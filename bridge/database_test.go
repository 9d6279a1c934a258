package bridge_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/prestashop-bridge/bridge/store"
	"github.com/prestashop-bridge/bridge/store/storetest"
)

// openDatabase opens a fresh database that is gone when the test ends.
func openDatabase(t *testing.T, options store.Options) *store.Store {
	t.Helper()
	empty, err := storetest.Empty()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "bridge.db")
	if err := os.WriteFile(file, empty, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), "sqlite:"+file, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}
