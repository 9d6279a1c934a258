package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
)

// feedStatus shows how the watching of each shop goes on.
func feedStatus(ctx context.Context, p process) error {
	var envFile string
	set := flags(p, "feed")
	set.StringVar(&envFile, "env-file", "", "settings file (default .env.bridge when it exists)")
	if err := parse(p, set); err != nil {
		return err
	}
	c, err := settingsFor(p, envFile)
	if err != nil {
		return err
	}
	db, err := openStore(ctx, c)
	if err != nil {
		return err
	}
	defer db.Close()
	list, err := db.Watches(ctx)
	if err != nil {
		return err
	}
	return writeWatches(p.stdout, c.feedInterval, list)
}

func writeWatches(w io.Writer, interval time.Duration, list []bridge.WatchState) error {
	if interval == 0 {
		fmt.Fprintln(w, "FEED_INTERVAL_SECONDS is 0: no shop is watched; only what jobs change is looked at.")
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SHOP\tSEEN UP TO\tLAG\tLOOKS WAITING\tOLDEST\tTROUBLE")
	for _, state := range list {
		upTo, lag := "-", "-"
		if state.Cursor != nil {
			upTo, lag = state.Cursor.At.Format(time.RFC3339), state.Lag.Round(time.Second).String()
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s\t%s\n", bridge.ShopLabel(state.Shop), upTo, lag, state.Waiting, state.Oldest.Round(time.Second), cmp.Or(state.Trouble, "-"))
	}
	return table.Flush()
}
