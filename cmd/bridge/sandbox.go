package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/prestashop-bridge/bridge/prestashop/sandbox"
)

// sandboxKey is the webservice key of the built-in shop; it opens nothing
// else.
const sandboxKey = "SANDBOXSANDBOXSANDBOXSANDBOX0001"

// runSandbox serves the stand-in shop until it is told to stop.
func runSandbox(ctx context.Context, p process) error {
	set := flags(p, "sandbox")
	listen := set.String("listen", "127.0.0.1:8881", "address to listen on")
	key := set.String("key", sandboxKey, "webservice key, 32 characters")
	if err := parse(p, set); err != nil {
		return err
	}
	shop, err := sandbox.New(sandbox.Options{Key: *key})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		return fmt.Errorf("cannot listen: %w", err)
	}
	fmt.Fprintf(p.stderr, "ready: stand-in PrestaShop 9 at http://%s (webservice under /api)\n", listener.Addr())
	return serveUntilDone(ctx, &http.Server{Handler: shop, ReadHeaderTimeout: 10 * time.Second}, listener)
}

// builtIn is a stand-in shop inside this process, with a temporary folder for
// the bridge that works on it: yesterday's request ids would otherwise answer
// for changes that today's shop has never seen.
type builtIn struct {
	shop *sandbox.Shop
	url  string
	dir  string
	stop func()
}

func openBuiltIn() (*builtIn, error) {
	shop, err := sandbox.New(sandbox.Options{Key: sandboxKey})
	if err != nil {
		return nil, err
	}
	address, stop, err := shop.Listen("127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "bridge-")
	if err != nil {
		stop()
		return nil, fmt.Errorf("no temporary folder: %w", err)
	}
	return &builtIn{shop: shop, url: address, dir: dir, stop: stop}, nil
}

// settings fixes what must point at the built-in shop and nowhere else. Its
// images come from loopback, which the rules otherwise refuse.
func (b *builtIn) settings() map[string]string {
	host := b.url
	if u, err := url.Parse(b.url); err == nil {
		host = u.Host
	}
	return map[string]string{
		"STATE_DIR": b.dir, "DATABASE_URL": "sqlite:" + filepath.Join(b.dir, "bridge.db"), "REDIS_DSN": "",
		"PRESTASHOP_URL": b.url, "PRESTASHOP_WS_KEY": sandboxKey, "PRESTASHOP_EMPLOYEE_ID": "0",
		"IMAGE_ALLOWED_HOSTS": host,
	}
}

func (b *builtIn) close() {
	b.stop()
	_ = os.RemoveAll(b.dir)
}
