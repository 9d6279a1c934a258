package durability

import (
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/prestashop-bridge/bridge/store"
	"github.com/prestashop-bridge/bridge/store/storetest"
)

// databases lends worlds a database each. A case leaves nothing alive behind
// it, so the next one can have its database; one that did fails anyway.
type databases struct {
	dir  string
	mu   sync.Mutex
	made int
	idle []database
}

type database struct {
	store *store.Store
	file  string
	clock *clock
}

func newDatabases(t testing.TB) *databases {
	t.Helper()
	d := &databases{dir: scratch(t)}
	t.Cleanup(func() {
		for _, db := range d.idle {
			if err := db.store.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	return d
}

func (d *databases) take(t testing.TB) database {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if last := len(d.idle) - 1; last >= 0 {
		db := d.idle[last]
		d.idle = d.idle[:last]
		return db
	}
	d.made++
	file := filepath.Join(d.dir, strconv.Itoa(d.made)+".db")
	if err := os.WriteFile(file, migrated(t), 0o600); err != nil {
		t.Fatal(err)
	}
	db := database{file: file, clock: newClock()}
	var err error
	if db.store, err = store.Open(t.Context(), "sqlite:"+file, store.Options{Now: db.clock.Now}); err != nil {
		t.Fatal(err)
	}
	return db
}

func (d *databases) giveBack(db database) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.idle = append(d.idle, db)
}

// migrated is an empty database of this version, made once.
func migrated(t testing.TB) []byte {
	t.Helper()
	content, err := storetest.Empty()
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// scratch is a folder for databases. Memory is preferred: what is killed in
// these tests are processes, not the machine, and flushes cost time.
func scratch(t testing.TB) string {
	t.Helper()
	if dir, err := os.MkdirTemp("/dev/shm", "durability-"); err == nil {
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		return dir
	}
	return t.TempDir()
}
