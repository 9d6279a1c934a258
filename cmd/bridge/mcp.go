package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/tools"
)

// startGrace is how long the program outlives its input to learn whether it
// could have started.
const startGrace = 3 * time.Second

// mcpStdio speaks MCP on stdin and stdout, with a worker in the same process or
// through a bridge elsewhere. The identity is the configured client. It ends
// with its input.
func mcpStdio(ctx context.Context, p process) error {
	setCollector(p.getenv) // a start that collects less answers sooner
	set := flags(p, "mcp")
	envFile := set.String("env-file", "", "settings file (default .env.bridge when it exists)")
	shopName := set.String("shop", bridge.DefaultShop, "the shop to work on; bridge shops list shows them")
	standIn := set.Bool("sandbox", false, "work on a built-in shop that is new each time, with a database of its own")
	elsewhere := set.String("remote", "", "URL of a bridge elsewhere to work through (default BRIDGE_REMOTE_URL)")
	if err := parse(p, set); err != nil {
		return err
	}
	src, err := settingsSource(p.getenv, *envFile)
	if err != nil {
		return err
	}
	if *elsewhere != "" {
		src = src.with(map[string]string{remoteSetting: *elsewhere})
	}
	throughRemote := src(remoteSetting) != ""
	switch {
	case *standIn && *elsewhere != "":
		fmt.Fprintln(p.stderr, "bridge mcp: --sandbox is a shop of this process and --remote is none; choose one.")
		return errUsage
	case throughRemote && !*standIn && *shopName != bridge.DefaultShop:
		fmt.Fprintln(p.stderr, "bridge mcp: a bridge elsewhere knows the shop of each client; --shop is for shops of this process.")
		return errUsage
	case throughRemote && !*standIn:
		return mcpRemote(ctx, p, src)
	}
	return mcpLocal(ctx, p, src, *standIn, *shopName)
}

// mcpLocal is the door of a bridge in this process. The host hears which tools
// there are before the database is open; calls wait for that.
func mcpLocal(ctx context.Context, p process, src source, standIn bool, shopName string) error {
	if standIn {
		shop, err := openBuiltIn()
		if err != nil {
			return err
		}
		defer shop.close()
		src = src.with(shop.settings())
	}
	c, err := loadConfig(src, forShop)
	if err != nil {
		return err
	}
	if c.stdioShop, err = bridge.ParseShopName(shopName); err != nil {
		return err
	}
	if c.clientID == "" {
		c.clientID = "local"
	}
	c.traced = true
	log, closeLog, err := openLog(c, p.stderr)
	if err != nil {
		return err
	}
	defer closeLog()
	parts := newParts(c, log)
	defer parts.close()

	group, ctx := errgroup.WithContext(ctx)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	opened := make(chan struct{})
	group.Go(func() error {
		if err := parts.open(ctx); err != nil {
			return err
		}
		if _, err := parts.shops.Shop(ctx, c.stdioShop); err != nil {
			return fmt.Errorf("--shop: %w", err)
		}
		close(opened)
		log.Info("ready", "door", "stdio", "client_id", parts.actor().ClientID, "version", version)
		return parts.work(ctx)
	})
	group.Go(func() error {
		defer cancel()
		door := &tools.Door{Desk: parts.desk, Opened: opened, Name: "bridge", Version: version, JSONText: c.mcpJSONText == "always", Log: log, MaxPayloadBytes: c.maxPayload, TaskTTL: c.idempotencyRetention}
		err := door.ServeStdio(ctx, p.stdin, p.stdout, parts.actor())
		// A start that fails is told, also when the input has ended meanwhile.
		patience := time.NewTimer(startGrace)
		defer patience.Stop()
		select {
		case <-opened:
		case <-ctx.Done():
		case <-patience.C:
		}
		return err
	})
	if err := group.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}
