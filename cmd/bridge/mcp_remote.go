package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/bridge/rest/remote"
	"github.com/prestashop-bridge/bridge/tools"
)

const remoteSetting = "BRIDGE_REMOTE_URL"

// connectTimeout bounds the first look at the remote bridge, which only the log
// hears of.
const connectTimeout = 20 * time.Second

// mcpRemote speaks MCP on stdin and stdout for a bridge elsewhere. It needs
// neither shop nor database, only the client's id and secrets.
func mcpRemote(ctx context.Context, p process, src source) error {
	c, err := loadConfig(src, forServing)
	if err != nil {
		return err
	}
	if err := mayCall(c); err != nil {
		return err
	}
	log, closeLog, err := openLog(c, p.stderr)
	if err != nil {
		return err
	}
	defer closeLog()
	desk := remote.New(remote.Options{
		URL: c.remoteURL, ClientID: c.clientID, ClientSecret: c.clientSecret, HMACSecret: c.hmacCurrent, Scopes: c.clientScopes, Log: log,
	})
	log.Info("ready", "door", "stdio", "remote", c.remoteURL, "client_id", c.clientID, "version", version)
	ctx, cancel := context.WithCancel(ctx)
	looked := make(chan struct{})
	go func() {
		defer close(looked)
		lookAt(ctx, desk, log)
	}()
	defer func() { cancel(); <-looked }()

	door := &tools.Door{Desk: desk, Name: "bridge", Version: version, JSONText: c.mcpJSONText == "always", Log: log, MaxPayloadBytes: c.maxPayload}
	// The list of tools follows the scopes this door asks tokens for. They are
	// known without the remote bridge, and no token of it has fewer.
	err = door.ServeStdio(ctx, p.stdin, p.stdout, bridge.Actor{ClientID: c.clientID, Scopes: c.clientScopes})
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// lookAt tells the log early what every call would meet. The door serves in any
// case: the remote bridge may come later, and a host shows a door that has gone
// with less reason than a tool that says why.
func lookAt(ctx context.Context, desk *remote.Desk, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	err := desk.Connect(ctx)
	if err == nil {
		log.Info("connected")
		return
	}
	if fault := bridge.AsError(err); ctx.Err() == nil {
		log.Warn("the remote bridge cannot be used yet", "error_code", fault.Code, "error", err, "fix", fault.PublicFix())
	}
}

// mayCall refuses to send tokens in the clear over a network.
func mayCall(c config) error {
	u, err := url.Parse(c.remoteURL)
	if err != nil {
		return fmt.Errorf("%s: %w", remoteSetting, err)
	}
	ip := net.ParseIP(u.Hostname())
	loopback := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	if u.Scheme == "https" || loopback || c.appEnv == "dev" {
		return nil
	}
	return fmt.Errorf("%s is plain http: the access token would cross the network in the clear. Use https, or APP_ENV=dev in development", remoteSetting)
}
