package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/bridge/rest/client"
)

// demo is the newcomer's first minute: the built-in shop and the bridge on
// loopback, an agent's day over MCP, every claim checked against the shop's
// own counters. Then it stays up to be tried by hand, unless --once.
func demo(ctx context.Context, p process) error {
	set := flags(p, "demo")
	once := set.Bool("once", false, "exit after the checks: 0 when every claim held, 1 otherwise")
	listen := set.String("listen", "127.0.0.1:0", "address of the bridge")
	if err := parse(p, set); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	d, err := openDemo(ctx, p, *listen)
	if err != nil {
		return err
	}
	defer d.close()

	stopped := make(chan error, 1)
	go func() { stopped <- d.parts.serveOn(ctx, d.listener, []string{"rest", "mcp", "worker"}) }()

	story := &story{out: p.stdout, shop: d.builtIn.shop, images: d.builtIn.url}
	err = story.tell(ctx, d.parts.config.baseURL, d.token)
	switch {
	case err != nil:
		err = fmt.Errorf("the demo stopped: %w", err)
	case story.broken > 0:
		err = fmt.Errorf("%d claim(s) of the demo did not hold", story.broken)
	}
	if err == nil && !*once {
		if err = d.invite(ctx, p.stdout); err == nil {
			<-ctx.Done()
		}
	}
	cancel()
	return errors.Join(err, <-stopped)
}

// demoBridge is the built-in shop with a whole bridge on it.
type demoBridge struct {
	builtIn  *builtIn
	parts    *parts
	listener net.Listener
	token    string
	secrets  map[string]string
}

func openDemo(ctx context.Context, p process, listen string) (_ *demoBridge, err error) {
	d := &demoBridge{}
	defer func() {
		if err != nil {
			d.close()
		}
	}()
	if d.builtIn, err = openBuiltIn(); err != nil {
		return nil, err
	}
	if d.listener, err = net.Listen("tcp", listen); err != nil {
		return nil, fmt.Errorf("cannot listen: %w", err)
	}
	d.secrets = map[string]string{
		"APP_ENV": "dev", "BRIDGE_BASE_URL": "http://" + d.listener.Addr().String(),
		"OAUTH_CLIENT_ID": "demo", "OAUTH_CLIENT_SECRET": auth.NewSecret(), "HMAC_SECRET_CURRENT": auth.NewSecret(),
		"LOG_PATH": filepath.Join(d.builtIn.dir, "bridge.log"),
	}
	// Nothing of the caller's environment takes part: the demo must not reach a
	// real shop or database by accident.
	c, err := loadConfig(source(func(string) string { return "" }).with(d.builtIn.settings()).with(d.secrets), forServing, forShop)
	if err != nil {
		return nil, err
	}
	if d.parts, err = assemble(ctx, c, slog.New(slog.DiscardHandler)); err != nil {
		return nil, err
	}
	d.token, err = d.issueToken(c)
	return d, err
}

// issueToken gives the demo's agent a token the way /oauth/token would.
func (d *demoBridge) issueToken(c config) (string, error) {
	gate, err := d.parts.gate()
	if err != nil {
		return "", err
	}
	token, _, err := gate.Tokens.Issue(c.clientID, c.clientScopes)
	return token, err
}

func (d *demoBridge) close() {
	if d.parts != nil {
		d.parts.close()
	}
	if d.listener != nil {
		_ = d.listener.Close()
	}
	if d.builtIn != nil {
		d.builtIn.close()
	}
}

// invite prints how to go on by hand, at each of the three doors.
func (d *demoBridge) invite(ctx context.Context, w io.Writer) error {
	base := d.parts.config.baseURL
	caller := &client.Client{BaseURL: base, ClientID: "demo", ClientSecret: d.secrets["OAUTH_CLIENT_SECRET"], HMACSecret: d.secrets["HMAC_SECRET_CURRENT"]}
	curl, err := caller.Curl(ctx, bridge.OpGetProduct, "", []byte(`{"product_id":1}`))
	if err != nil {
		return err
	}
	program := "bridge"
	if folder, err := os.Getwd(); err == nil {
		program = filepath.Join(folder, "bridge")
	}
	fmt.Fprintf(w, `
The bridge stays up (Ctrl-C stops it; nothing is kept). Try it by hand:

REST    %s
%s
        (a signature holds for 30 seconds: sign anew with bridge/rest/client)

MCP     %s/mcp
        Authorization: Bearer %s

Claude  go build -o bridge ./cmd/bridge, then in Claude Desktop's configuration:
        {"mcpServers":{"bridge":{"command":%q,"args":["mcp","--sandbox"]}}}
        or: claude mcp add bridge -- %s mcp --sandbox

Scopes  %s
`, base, indent(curl), base, d.token, program, program,
		strings.Join(d.parts.config.clientScopes, " "))
	return nil
}

func indent(text string) string {
	return "        " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n        ")
}
