package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
)

// Equal numbers mean equal tables in both folders. Migrations only go forward.
//
//go:embed migrations
var migrations embed.FS

// versionTable is where goose keeps which migrations ran. The first migration
// of SQLite names it.
const versionTable = "schema_version"

// Migrate brings the tables to this program's version. Several programs may do
// so at once: on MySQL one holds a lock and the others wait; on SQLite each
// migration is one transaction that can happen only once, so the slower program
// fails as a whole, looks again and finds it done.
func (s *Store) Migrate(ctx context.Context) error {
	last := int64(-1)
	for {
		err := s.withGoose(func(p *goose.Provider) error {
			_, err := p.Up(ctx)
			return err
		})
		if err == nil {
			return nil
		}
		version, versionErr := s.Version(ctx)
		if versionErr != nil || version == last {
			return fmt.Errorf("store: the tables could not be brought up to date: %w", err)
		}
		last = version
	}
}

// Version is the number of the newest migration that ran; 0 before the first.
func (s *Store) Version(ctx context.Context) (version int64, err error) {
	err = s.withGoose(func(p *goose.Provider) error {
		version, err = p.GetDBVersion(ctx)
		return err
	})
	return version, err
}

// withGoose lends a provider on a pool of its own.
func (s *Store) withGoose(use func(*goose.Provider) error) error {
	folder, err := fs.Sub(migrations, s.migrations)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	db, err := s.migrating()
	if err != nil {
		return err
	}
	options := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true), goose.WithTableName(versionTable)}
	if s.locker != nil {
		options = append(options, goose.WithSessionLocker(s.locker))
	}
	provider, err := goose.NewProvider(s.goose, db, folder, options...)
	if err == nil {
		err = use(provider)
	}
	return s.fault(errors.Join(err, db.Close()))
}
