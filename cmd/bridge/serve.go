package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/netutil"
	"golang.org/x/sync/errgroup"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge/rest"
	"github.com/prestashop-bridge/bridge/login"
	"github.com/prestashop-bridge/bridge/tools"
)

// serveFlags are what serve is told on the command line.
type serveFlags struct {
	listen, envFile, only, tlsCert, tlsKey string
	behindTLSProxy                         bool
}

// serve runs REST, MCP over HTTP, the worker and the delivery of webhooks in
// one process, or those named by --only.
func serve(ctx context.Context, p process) error {
	var f serveFlags
	set := flags(p, "serve")
	set.StringVar(&f.listen, "listen", "127.0.0.1:8080", "address to listen on")
	set.StringVar(&f.envFile, "env-file", "", "settings file (default .env.bridge when it exists)")
	set.StringVar(&f.only, "only", "rest,mcp,worker,webhooks", "parts to run in this process")
	set.StringVar(&f.tlsCert, "tls-cert", "", "certificate (PEM); with --tls-key serves https")
	set.StringVar(&f.tlsKey, "tls-key", "", "private key of the certificate (PEM)")
	set.BoolVar(&f.behindTLSProxy, "behind-tls-proxy", false, "a proxy in front of the bridge ends TLS")
	if err := parse(p, set); err != nil {
		return err
	}
	c, err := settingsFor(p, f.envFile, forServing, forShop)
	if err != nil {
		return err
	}
	c.traced = true
	setCollector(p.getenv)
	log, closeLog, err := openLog(c, p.stderr)
	if err != nil {
		return err
	}
	defer closeLog()
	selected, err := partsNamed(f.only)
	if err != nil {
		return err
	}
	if err := mayListen(c, f); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", f.listen)
	if err != nil {
		return fmt.Errorf("cannot listen: %w", err)
	}
	defer listener.Close()
	// Below TLS, so that a connection counts from its first byte.
	listener = netutil.LimitListener(listener, c.maxConnections)
	if listener, err = f.secured(listener); err != nil {
		return err
	}
	if c.baseURL == "" {
		c.baseURL = f.scheme() + "://" + listener.Addr().String()
	}
	parts, err := assemble(ctx, c, log)
	if err != nil {
		return err
	}
	defer parts.close()
	return parts.serveOn(ctx, listener, selected)
}

// serveOn runs the selected parts until ctx ends or one of them fails, then
// drains: requests finish first, then running jobs.
func (p *parts) serveOn(ctx context.Context, listener net.Listener, selected []string) error {
	server, err := p.server(selected)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	if slices.Contains(selected, "worker") {
		group.Go(func() error { return p.work(ctx) })
	}
	if slices.Contains(selected, "webhooks") {
		group.Go(func() error { return p.hooks.Run(ctx) })
		group.Go(func() error { return p.feed.Run(ctx) })
	}
	if p.config.metricsListen != "" {
		group.Go(func() error { return p.serveMetrics(ctx) })
	}
	group.Go(func() error {
		p.log.Info("ready", "listen", listener.Addr().String(), "base_url", p.config.baseURL, "parts", selected, "version", version)
		return serveUntilDone(ctx, server, listener)
	})
	err = group.Wait()
	p.log.Info("stopped")
	if errors.Is(err, context.Canceled) || errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// server is the HTTP server of the selected doors. The REST door carries
// health, tokens and metadata too, so it is there in any case; without "rest"
// its capabilities are not.
func (p *parts) server(selected []string) (*http.Server, error) {
	access, err := p.authorization()
	if err != nil {
		return nil, err
	}
	c := p.config
	door := &rest.Door{
		Desk: p.desk, Gate: access.gate, Grantor: access.grantor, Webhooks: p.subscriptions(), Buckets: p.queue, ShopURL: p.shopURL, BaseURL: c.baseURL, Version: version, Log: p.log, Checks: p.checks(),
		ClientDocuments: !slices.Contains(c.clientDocuments, "off"),
		MaxPayloadBytes: c.maxPayload, GzipRecommendedAbove: int64(c.gzipRecommendedAbove), GzipRequiredAbove: int64(c.gzipRequiredAbove),
		AllowedSources: c.allowedSources, TrustedProxies: c.trustedProxies,
	}
	server := door.Server("")
	if !slices.Contains(selected, "rest") {
		server.Handler = withoutCapabilities(server.Handler)
	}
	server.Handler = beside(access.login.Handler(), server.Handler, func(path string) bool { return path == login.Path })
	if slices.Contains(selected, "mcp") {
		mcp := &tools.Door{Desk: p.desk, Gate: access.gate, Name: "bridge", Version: version, JSONText: c.mcpJSONText == "always", BaseURL: c.baseURL, Log: p.log, MaxPayloadBytes: c.maxPayload, TaskTTL: c.idempotencyRetention,
			Sources: auth.Sources{Allowed: c.allowedSources, Proxies: c.trustedProxies}}
		server.Handler = beside(mcp.Handler(), server.Handler, ofMCP)
	}
	server.Handler = p.traced(server.Handler)
	return server, nil
}

// beside sends some paths to a door of their own and all others to the next.
// It is no http.ServeMux, because that rewrites paths, and the path is signed.
func beside(door, next http.Handler, own func(path string) bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if own(r.URL.Path) {
			door.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func ofMCP(path string) bool {
	return path == tools.Path || strings.HasPrefix(path, tools.RootMetadataPath)
}

// withoutCapabilities hides everything below /v1 and the compatibility door.
func withoutCapabilities(door http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/v1/") || strings.HasPrefix(r.URL.Path+"/", "/webhooks/") || r.URL.Path == "/shop" {
			http.NotFound(w, r)
			return
		}
		door.ServeHTTP(w, r)
	})
}

func (f serveFlags) scheme() string {
	if f.tlsCert != "" {
		return "https"
	}
	return "http"
}

// secured puts TLS 1.2 or newer on the listener when a certificate is given.
func (f serveFlags) secured(listener net.Listener) (net.Listener, error) {
	if f.tlsCert == "" {
		return listener, nil
	}
	pair, err := tls.LoadX509KeyPair(f.tlsCert, f.tlsKey)
	if err != nil {
		return nil, fmt.Errorf("the certificate cannot be used: %w", err)
	}
	return tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}), nil
}

// partsNamed reads --only.
func partsNamed(only string) ([]string, error) {
	known := []string{"rest", "mcp", "worker", "webhooks"}
	selected := strings.Split(only, ",")
	for _, name := range selected {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("--only names %q; known parts: %s", name, strings.Join(known, ", "))
		}
	}
	return selected, nil
}

// mayListen refuses to show secrets to a network: outside APP_ENV=dev an
// address other than loopback needs TLS here or a proxy that ends it.
func mayListen(c config, f serveFlags) error {
	if (f.tlsCert == "") != (f.tlsKey == "") {
		return errors.New("--tls-cert and --tls-key go together")
	}
	if c.appEnv == "dev" || f.tlsCert != "" || f.behindTLSProxy {
		return nil
	}
	host, _, err := net.SplitHostPort(f.listen)
	if err != nil {
		return fmt.Errorf("--listen wants HOST:PORT: %w", err)
	}
	if ip := net.ParseIP(host); host == "localhost" || (ip != nil && ip.IsLoopback()) {
		return nil
	}
	return fmt.Errorf("refusing to listen on %s without TLS: give --tls-cert and --tls-key, or --behind-tls-proxy when a proxy ends TLS, or listen on 127.0.0.1", f.listen)
}
