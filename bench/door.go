package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/bridge/rest"
	"github.com/prestashop-bridge/bridge/policies"
	"github.com/prestashop-bridge/bridge/queue"
	"github.com/prestashop-bridge/bridge/store"
)

// doorCommand runs this binary as a server to be measured.
const doorCommand = "door"

// The identity all requests are sent with. These secrets open nothing but
// servers on loopback that live for minutes.
const (
	clientID     = "bench"
	clientSecret = "bench-secret-of-a-short-life"
	hmacSecret   = "bench-signing-secret-of-a-short-life"
	baseURL      = "http://bridge.bench.test"
	// mostRequests is the largest rate the settings allow; it is counted as any
	// other.
	mostRequests = 1_000_000
)

// doorSettings are what a server is told on its command line.
type doorSettings struct {
	intake, database, redis, peer, keys, listen, profile string
}

func (s doorSettings) arguments() []string {
	return []string{doorCommand, "--intake", s.intake, "--database", s.database, "--redis", s.redis, "--peer", s.peer, "--keys", s.keys, "--profile", s.profile}
}

// runDoor is the real REST door on the hub, with an intake by name and a shop
// that is never asked. All servers that are compared are this one.
func runDoor(ctx context.Context, arguments []string) (err error) {
	var s doorSettings
	set := flag.NewFlagSet(doorCommand, flag.ContinueOnError)
	set.StringVar(&s.intake, "intake", "", "what makes an accepted write durable")
	set.StringVar(&s.database, "database", "", "DATABASE_URL")
	set.StringVar(&s.redis, "redis", "", "REDIS_DSN")
	set.StringVar(&s.peer, "peer", "", "address of the peer's database")
	set.StringVar(&s.keys, "keys", "", "folder of the token keys")
	set.StringVar(&s.listen, "listen", "127.0.0.1:0", "address to listen on")
	set.StringVar(&s.profile, "profile", "", "file for a CPU profile of the server's life")
	if err := set.Parse(arguments); err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	limits := map[bridge.RateClass]int{bridge.RateRead: mostRequests, bridge.RateWrite: mostRequests}
	transport, err := queue.Open(ctx, s.redis, queue.Options{Limits: limits, Logger: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, transport.Close()) }()
	in, err := openIntake(ctx, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.close()) }()
	gate, err := newGate(s.keys, log)
	if err != nil {
		return err
	}
	desk := &bridge.Desk{
		Intake: in, Jobs: in.jobs, Shops: bridge.OneShop(blankShop{}), Transport: cmp.Or[bridge.Transport](in.transport, transport), Replays: transport, Limiter: transport,
		Rules: policies.Book{}, MaxAttempts: 5, Now: time.Now, NewID: newJobID, Log: log,
	}
	listener, err := net.Listen("tcp", s.listen)
	if err != nil {
		return err
	}
	if s.profile != "" {
		file, err := os.Create(s.profile)
		if err != nil {
			return err
		}
		defer file.Close()
		if err := pprof.StartCPUProfile(file); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	grantor := &bridge.Grantor{Gate: gate, TokenEndpoint: baseURL + "/oauth/token", Resource: baseURL + "/mcp", Now: time.Now}
	server := (&rest.Door{Desk: desk, Gate: gate, Grantor: grantor, BaseURL: baseURL, Version: "bench", Log: log}).Server("")
	return serveUntil(ctx, server, listener)
}

// serveUntil says where it listens, for readyLine, and serves until ctx ends.
func serveUntil(ctx context.Context, server *http.Server, listener net.Listener) error {
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	fmt.Printf("ready http://%s\n", listener.Addr())
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return server.Close()
	}
}

func newGate(keys string, log *slog.Logger) (*bridge.Gate, error) {
	ring, err := auth.OpenKeyRing(filepath.Join(keys, "jwt_private.pem"), filepath.Join(keys, "jwt_public.pem"), log)
	if err != nil {
		return nil, err
	}
	client := bridge.Client{
		ID: clientID, SecretHash: auth.HashSecret(clientSecret), Scopes: []string{auth.ScopeRead, auth.ScopeWrite}, HMACSecrets: []string{hmacSecret, ""},
	}
	issuer := &auth.Issuer{Keys: ring, URL: baseURL, Audience: []string{baseURL, baseURL + "/mcp"}, TTL: time.Hour, Verified: new(auth.Verified)}
	return &bridge.Gate{Clients: bridge.Directory{Fixed: bridge.FixedClients{client}}, Tokens: issuer}, nil
}

func newJobID() string { return uuid.Must(uuid.NewV7()).String() }

// openStore opens the product's database and brings it to this version.
func openStore(ctx context.Context, url string) (*store.Store, error) {
	db, err := store.Open(ctx, url, store.Options{})
	if err != nil {
		return nil, err
	}
	if err := db.Migrate(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// door starts such a server and gives its URL.
func (b *bench) door(ctx context.Context, name string, s doorSettings) (*process, string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, "", err
	}
	if s.keys, err = b.folder("keys"); err != nil {
		return nil, "", err
	}
	dir, err := b.folder("doors")
	if err != nil {
		return nil, "", err
	}
	name = strings.Map(func(r rune) rune {
		if r == ' ' || r == '/' {
			return '-'
		}
		return r
	}, name)
	if b.profile != "" {
		s.profile = filepath.Join(b.profile, name+".pprof")
	}
	var url string
	var server *process
	server, err = start(ctx, launch{
		name: name, dir: dir, command: append([]string{self}, s.arguments()...),
		answers: func(context.Context) (err error) {
			url, err = readyLine(filepath.Join(dir, name+".log"))
			return err
		},
	})
	return server, url, err
}
