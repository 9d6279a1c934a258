package main

import (
	"context"

	"github.com/prestashop-bridge/bridge/store"
)

// openRecords reads the settings and opens the database, for the commands that
// work on nothing else.
func openRecords(ctx context.Context, p process, envFile string) (config, *store.Store, error) {
	c, err := settingsFor(p, envFile)
	if err != nil {
		return c, nil, err
	}
	db, err := openStore(ctx, c)
	return c, db, err
}

// listOrSubject reports whether the words of a command are list alone, or
// another action and whom it is about.
func listOrSubject(words []string) bool {
	return len(words) > 0 && len(words) <= 2 && (words[0] == "list") == (len(words) == 1)
}
