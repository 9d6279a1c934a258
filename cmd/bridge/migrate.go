package main

import (
	"context"
	"fmt"
	"os"

	"github.com/prestashop-bridge/bridge/store"
)

// migrate brings the database to this version's schema and says which it is.
// serve and mcp do the same at start.
func migrate(ctx context.Context, p process) error {
	set := flags(p, "migrate")
	envFile := set.String("env-file", "", "settings file (default .env.bridge when it exists)")
	if err := parse(p, set); err != nil {
		return err
	}
	src, err := settingsSource(p.getenv, *envFile)
	if err != nil {
		return err
	}
	c, err := loadConfig(src)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.stateDir, 0o700); err != nil {
		return fmt.Errorf("STATE_DIR cannot be made: %w", err)
	}
	db, err := store.Open(ctx, c.databaseURL, store.Options{})
	if err != nil {
		return fmt.Errorf("DATABASE_URL: %w", err)
	}
	defer db.Close()
	if err := db.Migrate(ctx); err != nil {
		return err
	}
	at, err := db.Version(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "the database is at schema version %d\n", at)
	return nil
}
