package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"time"

	"github.com/google/uuid"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/feed"
	"github.com/prestashop-bridge/bridge/metrics"
	"github.com/prestashop-bridge/bridge/policies"
	"github.com/prestashop-bridge/bridge/prestashop"
	"github.com/prestashop-bridge/bridge/queue"
	"github.com/prestashop-bridge/bridge/store"
	"github.com/prestashop-bridge/bridge/traces"
	"github.com/prestashop-bridge/bridge/webhooks"
)

// jobLease is how long a claim holds without renewal. The contract allows
// 10 s; 8 leaves room for the sweep that finds a dead worker's job.
const jobLease = 8 * time.Second

// sweepEvery is how often the database is asked for jobs the transport did
// not bring.
const sweepEvery = 500 * time.Millisecond

// parts is the assembled program without its doors.
type parts struct {
	config  config
	log     *slog.Logger
	metrics *metrics.Metrics
	traces  *traces.Tracer // nil when no collector is named
	store   *store.Store
	queue   *queue.Queue
	shops   *prestashop.Shops
	desk    *bridge.Desk
	runner  *queue.Runner
	sealer  *auth.Sealer
	hooks   *webhooks.Engine
	feed    *feed.Feed
}

// assemble gives the program with all its parts open.
func assemble(ctx context.Context, c config, log *slog.Logger) (*parts, error) {
	p := newParts(c, log)
	if err := p.open(ctx); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// newParts gives the program with a desk that can keep accounts and nothing
// else yet.
func newParts(c config, log *slog.Logger) *parts {
	p := &parts{config: c, log: log, metrics: metrics.New(version)}
	p.desk = &bridge.Desk{
		Rules:       policies.Book{MaxPayloadBytes: c.maxPayload, AllowedHosts: c.imageHosts},
		MaxAttempts: c.jobMaxAttempts, Now: time.Now, NewID: newJobID, Log: log, Observe: p.metrics,
	}
	return p
}

// open opens the database (bringing it to this version's schema), the queue
// and the shop, and ties hub and worker to them. The caller closes the parts,
// also after an error.
func (p *parts) open(ctx context.Context) error {
	c, log, node := p.config, p.log, nodeName()
	tracer, err := p.openTraces(ctx)
	if err != nil {
		return err
	}
	if p.store, err = awaitStore(ctx, c, log); err != nil {
		return err
	}
	p.queue, err = queue.Open(ctx, c.redisDSN, queue.Options{
		Node: node, ReplayTTL: c.replayTTL, Logger: log,
		Limits: map[bridge.RateClass]int{bridge.RateRead: c.rateRead, bridge.RateWrite: c.rateWrite},
	})
	if err != nil {
		return fmt.Errorf("REDIS_DSN: %w", err)
	}
	if p.sealer, err = auth.OpenSealer(c.secretsKeyPath); err != nil {
		return fmt.Errorf("SECRETS_KEY_PATH: %w", err)
	}
	p.shops, err = prestashop.NewShops(prestashop.Options{
		URL: c.shopURL, Key: c.shopKey, EmployeeID: c.shopEmployee, Timeout: c.shopTimeout, Book: p.desk.Rules,
		Logger: log, Observe: p.countCall, Trace: tracer,
	}, p.imageMemory, bridge.ShopDirectory{Registry: p.store, Sealer: p.sealer})
	if err != nil {
		return fmt.Errorf("PRESTASHOP_URL: %w", err)
	}
	d := p.desk
	d.Intake, d.Jobs, d.Docket, d.Shops, d.Transport, d.Replays, d.Limiter, d.Trace = p.store, p.store, p.store, p.shops, p.queue, p.queue, p.queue, tracer
	worker := &bridge.Worker{
		Ledger: p.store, Shops: p.shops, Node: node, Lease: jobLease,
		AttemptTimeout: c.jobTimeout, Settle: c.shopSettle, MaxWait: c.jobMaxWait, ParallelUnits: c.parallelItems, Now: time.Now, Log: log,
		Observe: p.desk.Hearing(p.metrics), Trace: tracer,
		Slots:  &bridge.Slots{Workers: c.jobWorkers, Several: p.shops.Several, Freed: func() { p.runner.Kick() }},
		Ending: func(jobID string) { p.runner.Ending(jobID) },
	}
	p.runner = queue.NewRunner(p.queue, queue.RunnerOptions{
		Work: worker.Run, Due: worker.Due, Workers: c.jobWorkers, SweepEvery: sweepEvery, Observe: p.countTaken,
	})
	p.hooks = &webhooks.Engine{
		Outbox: p.store, Client: webhooks.NewClient(c.webhookHosts, c.appEnv == "dev"), Sealer: p.sealer, Node: node, Now: time.Now, Log: log,
		Observe: p.countDelivery,
	}
	p.feed = &feed.Feed{
		Store: p.store, Names: p.shops.Names, Shop: p.watched, Node: node, Interval: c.feedInterval, Log: log, Observe: p.countLook,
	}
	p.watchParts()
	return nil
}

// startPatience is how long a node that starts waits for its database: the two
// may start together, or the database may be restarting.
const startPatience = 30 * time.Second

// awaitStore opens the database as soon as it answers. Whatever waiting cannot
// mend, such as a wrong password, is told at once.
func awaitStore(ctx context.Context, c config, log *slog.Logger) (*store.Store, error) {
	patience, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	for told := false; ; told = true {
		db, err := openStore(ctx, c)
		if err == nil || bridge.AsError(err).Code != bridge.CodeStoreUnavailable {
			return db, err
		}
		if !told {
			log.Warn("the database does not answer yet; waiting for it", "patience", startPatience.String(), "error", err)
		}
		pause := time.NewTimer(500 * time.Millisecond)
		select {
		case <-pause.C:
		case <-patience.Done():
			pause.Stop()
			return nil, err
		}
	}
}

// openStore opens the database and brings it to this version's schema.
func openStore(ctx context.Context, c config) (*store.Store, error) {
	if err := os.MkdirAll(c.stateDir, 0o700); err != nil {
		return nil, fmt.Errorf("STATE_DIR cannot be made: %w", err)
	}
	db, err := store.Open(ctx, c.databaseURL, store.Options{})
	if err != nil {
		return nil, fmt.Errorf("DATABASE_URL: %w", err)
	}
	if err := db.Migrate(ctx); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("the database cannot be migrated: %w", err)
	}
	return db, nil
}

// close gives everything back, in the reverse order of assembly.
func (p *parts) close() {
	if p.shops != nil {
		p.shops.Close()
	}
	if p.queue != nil {
		if err := p.queue.Close(); err != nil {
			p.log.Warn("queue not closed cleanly", "error", err)
		}
	}
	if p.store != nil {
		if err := p.store.Close(); err != nil {
			p.log.Warn("database not closed cleanly", "error", err)
		}
	}
	p.closeTraces()
}

// imageMemory is what is remembered of one shop's images.
func (p *parts) imageMemory(shop string) prestashop.ImageMemory { return p.store.Images(shop) }

// actor is the identity of the stdio door: the configured client, on the shop
// it was started for. Request ids belong to one client on one shop, so on
// another than that of the settings it is another client; no registered id has
// an @ in it.
func (p *parts) actor() bridge.Actor {
	actor := bridge.Actor{ClientID: p.config.clientID, Shop: p.config.stdioShop, Scopes: p.config.clientScopes}
	if actor.Shop != "" {
		actor.ClientID += "@" + actor.Shop
	}
	return actor
}

// watched is a shop as the feed reads it.
func (p *parts) watched(ctx context.Context, name string) (bridge.WatchedShop, error) {
	shop, err := p.shops.Open(ctx, name)
	if err != nil {
		return nil, err // no typed nil in the interface
	}
	return shop, nil
}

// subscriptions is the webhook resource of the doors.
func (p *parts) subscriptions() *bridge.Subscriptions {
	s := &bridge.Subscriptions{Store: p.store, Log: p.store, Admit: p.hooks.Client.Admit, Sealer: p.sealer, Now: time.Now}
	if u, err := url.Parse(p.config.baseURL); err == nil {
		s.OwnHost = u.Host
	}
	return s
}

// shopURL is the address of a shop, "" for one that is gone.
func (p *parts) shopURL(ctx context.Context, name string) (string, error) {
	if name == "" {
		return p.config.shopURL, nil
	}
	live, err := bridge.ShopDirectory{Registry: p.store, Sealer: p.sealer}.Registered(ctx)
	return live[name].URL, err
}

// fixedClients is the client of the settings.
func (c config) fixedClients() bridge.FixedClients {
	if c.clientID == "" || c.clientSecret == "" {
		return nil
	}
	return bridge.FixedClients{{
		ID: c.clientID, SecretHash: auth.HashSecret(c.clientSecret), Scopes: c.clientScopes,
		HMACSecrets: []string{c.hmacCurrent, c.hmacPrevious},
	}}
}

// newJobID makes a UUID v7: sortable by time of acceptance, which is the order
// jobs for one target run in.
func newJobID() string { return uuid.Must(uuid.NewV7()).String() }

// nodeName tells worker processes apart in leases and consumer names.
func nodeName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unnamed"
	}
	return fmt.Sprintf("%s-%d-%s", host, os.Getpid(), uuid.NewString()[:8])
}
