// Package storetest gives tests of other packages a database to start from.
// It knows the store and nothing of what is tested on it; the store's own
// contract suite is store/suite_test.go.
package storetest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"

	"github.com/prestashop-bridge/bridge/store"
)

// Empty is the content of a SQLite file of this version without a row, made
// once: hundreds of tests start from one, and migrating costs more than most
// of them.
var Empty = sync.OnceValues(func() ([]byte, error) {
	folder, err := os.MkdirTemp("", "storetest-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	file := filepath.Join(folder, "empty.db")
	db, err := store.Open(context.Background(), "sqlite:"+file, store.Options{})
	if err != nil {
		return nil, err
	}
	if err := errors.Join(db.Migrate(context.Background()), db.Close()); err != nil {
		return nil, err
	}
	return os.ReadFile(file)
})
