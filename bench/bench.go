package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// module is the product's.
const module = "github.com/prestashop-bridge/bridge"

// bench is one run: its folder, and the servers started in it so far.
type bench struct {
	options
	report   report
	programs programs
	dir      string
	bridge   string // the product's binary, "" until built

	started []*process
	address map[string]string // of the servers, by name
}

func openBench(o options) (*bench, error) {
	b := &bench{options: o, report: report{os.Stdout}, address: map[string]string{}}
	var err error
	if b.programs, err = findPrograms(); err != nil {
		return nil, err
	}
	if o.profile != "" {
		if b.profile, err = filepath.Abs(o.profile); err != nil {
			return nil, err
		}
		if err := os.MkdirAll(b.profile, 0o755); err != nil {
			return nil, err
		}
	}
	if b.dir, err = os.MkdirTemp("", "bridge-bench-"); err != nil {
		return nil, err
	}
	// PostgreSQL runs as another user and must reach its folder.
	return b, os.Chmod(b.dir, 0o711)
}

// close ends all servers and removes what the run has written.
func (b *bench) close() {
	for at := len(b.started) - 1; at >= 0; at-- {
		b.started[at].stop()
	}
	_ = os.RemoveAll(b.dir)
}

func (b *bench) folder(name string) (string, error) {
	dir := filepath.Join(b.dir, name)
	return dir, os.MkdirAll(dir, 0o700)
}

// once starts a server when it is first asked for and gives its address.
func (b *bench) once(name string, begin func() (*process, string, error)) (string, error) {
	if address, running := b.address[name]; running {
		return address, nil
	}
	server, address, err := begin()
	if err != nil {
		return "", err
	}
	b.started = append(b.started, server)
	b.address[name] = address
	return address, nil
}

// mariadb gives the address of a MariaDB, postgresql a PostgreSQL's URL, redis
// the address of a Redis.
func (b *bench) mariadb(ctx context.Context) (string, error) {
	return b.once("mariadb", func() (*process, string, error) { return b.startMariaDB(ctx) })
}

func (b *bench) postgresql(ctx context.Context) (string, error) {
	return b.once("postgresql", func() (*process, string, error) { return b.startPostgreSQL(ctx) })
}

func (b *bench) redis(ctx context.Context, keeps durability) (string, error) {
	return b.once("redis-"+string(keeps), func() (*process, string, error) { return b.startRedis(ctx, keeps) })
}

// where is a place for the bridge's data: a database and a Redis.
type where struct {
	kind     string // "MariaDB" or "SQLite"
	database string // DATABASE_URL
	redis    string // REDIS_DSN, "" for the embedded one
}

// The two deployments that are measured.
const (
	onMariaDB = "MariaDB"
	onSQLite  = "SQLite"
)

// place makes an empty database: a large deployment's with a real Redis beside
// it, or a small one's in a file.
func (b *bench) place(ctx context.Context, kind string) (where, error) {
	name := "bench_" + randomText()
	if kind == onSQLite {
		dir, err := b.folder(name)
		return where{kind: kind, database: "sqlite:" + filepath.Join(dir, "bridge.db")}, err
	}
	address, err := b.mariadb(ctx)
	if err != nil {
		return where{}, err
	}
	server := openMySQL(address, "")
	defer server.Close()
	if _, err := server.ExecContext(ctx, "CREATE DATABASE "+name); err != nil {
		return where{}, err
	}
	redis, err := b.redis(ctx, keepsNothing)
	return where{kind: kind, database: "mysql://root@" + address + "/" + name, redis: "redis://" + redis + "/0"}, err
}

func randomText() string {
	random := make([]byte, 8)
	_, _ = rand.Read(random)
	return hex.EncodeToString(random)
}

// binary builds the product once.
func (b *bench) binary(ctx context.Context) (string, error) {
	if b.bridge != "" {
		return b.bridge, nil
	}
	path := filepath.Join(b.dir, "bridge")
	// In its own module, for in ours it would be built with the peers' versions.
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		return "", fmt.Errorf("run this inside the bench module (make bench does): %w", err)
	}
	build := exec.CommandContext(ctx, "go", "build", "-o", path, "./cmd/bridge")
	build.Dir = strings.TrimSpace(string(root))
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("the bridge cannot be built: %w\n%s", err, said)
	}
	b.bridge = path
	return path, nil
}
