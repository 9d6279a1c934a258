package main

import (
	"context"
	"fmt"
)

// migrate brings the database to this version's schema and says which it is.
// serve and mcp do the same at start.
func migrate(ctx context.Context, p process) error {
	set := flags(p, "migrate")
	envFile := set.String("env-file", "", "settings file (default .env.bridge when it exists)")
	if err := parse(p, set); err != nil {
		return err
	}
	_, db, err := openRecords(ctx, p, *envFile)
	if err != nil {
		return err
	}
	defer db.Close()
	at, err := db.Version(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "the database is at schema version %d\n", at)
	return nil
}
