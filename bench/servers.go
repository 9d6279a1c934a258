package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
)

// programs are the servers a run needs on the machine.
type programs struct{ mariadbd, installDB, redis, postgres, initdb string }

// errNoServers says how to get them; .ci/bench installs them.
var errNoServers = errors.New("mariadbd, mariadb-install-db, redis-server, postgres and initdb are needed (Debian: mariadb-server, redis-server, postgresql); .ci/bench installs them")

func findPrograms() (programs, error) {
	p := programs{
		mariadbd:  firstOf("mariadbd", "mysqld"),
		installDB: firstOf("mariadb-install-db", "mysql_install_db"),
		redis:     firstOf("redis-server"),
		postgres:  firstOf("postgres"),
		initdb:    firstOf("initdb"),
	}
	if p.mariadbd == "" || p.installDB == "" || p.redis == "" || p.postgres == "" || p.initdb == "" {
		return p, errNoServers
	}
	return p, nil
}

// firstOf finds a program; Debian keeps servers where no user's PATH looks.
func firstOf(names ...string) string {
	folders := []string{"", "/usr/local/sbin/", "/usr/sbin/", "/sbin/"}
	versions, _ := filepath.Glob("/usr/lib/postgresql/*/bin/")
	for _, name := range names {
		for _, folder := range append(folders, versions...) {
			if path, err := exec.LookPath(folder + name); err == nil {
				return path
			}
		}
	}
	return ""
}

// startMariaDB gives the server and its address as DATABASE_URL wants it,
// without the name of a database.
func (b *bench) startMariaDB(ctx context.Context) (*process, string, error) {
	dir, err := b.folder("mariadb")
	if err != nil {
		return nil, "", err
	}
	port, err := freePort()
	if err != nil {
		return nil, "", err
	}
	common := []string{"--no-defaults", "--datadir=" + filepath.Join(dir, "data")}
	if os.Getuid() == 0 {
		common = append(common, "--user=root") // mariadbd refuses root unless told
	}
	install := exec.CommandContext(ctx, b.programs.installDB, append(common, "--auth-root-authentication-method=normal", "--skip-test-db")...)
	if said, err := install.CombinedOutput(); err != nil {
		return nil, "", fmt.Errorf("the MariaDB data folder could not be made: %w\n%s", err, said)
	}
	server, err := start(ctx, launch{
		name: "mariadb", dir: dir,
		command: append(append([]string{b.programs.mariadbd}, common...),
			"--tmpdir="+dir, "--socket="+filepath.Join(dir, "mysql.sock"), "--pid-file="+filepath.Join(dir, "mysql.pid"),
			"--bind-address=127.0.0.1", "--port="+strconv.Itoa(port), "--skip-name-resolve",
			"--innodb-flush-log-at-trx-commit=1", "--innodb-buffer-pool-size=256M", "--innodb-log-file-size=256M",
			"--performance-schema=OFF", "--max-connections=600"),
		answers: func(ctx context.Context) error {
			db := openMySQL(loopback(port), "")
			defer db.Close()
			return db.PingContext(ctx)
		},
	})
	return server, loopback(port), err
}

// openMySQL is our own way into a MariaDB.
func openMySQL(address, database string) *sql.DB {
	config := mysql.NewConfig()
	config.User, config.Net, config.Addr, config.DBName = "root", "tcp", address, database
	config.InterpolateParams, config.Timeout, config.Logger = true, time.Second, &mysql.NopLogger{}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		panic(err) // of a fixed configuration
	}
	return sql.OpenDB(connector)
}

// startPostgreSQL gives the server and its URL. It refuses to run as root, so
// root hands it to the user that its package made.
func (b *bench) startPostgreSQL(ctx context.Context) (*process, string, error) {
	dir, err := b.folder("postgresql")
	if err != nil {
		return nil, "", err
	}
	uid, gid, err := postgresUser()
	if err != nil {
		return nil, "", err
	}
	if err := os.Chown(dir, int(uid), int(gid)); uid != 0 && err != nil {
		return nil, "", err
	}
	port, err := freePort()
	if err != nil {
		return nil, "", err
	}
	data := filepath.Join(dir, "data")
	install, err := start(ctx, launch{
		name: "initdb", dir: dir, uid: uid, gid: gid,
		command: []string{b.programs.initdb, "--pgdata", data, "--username=bench", "--auth=trust", "--encoding=UTF8", "--locale=C"},
		answers: func(context.Context) error {
			_, err := os.Stat(filepath.Join(data, "PG_VERSION"))
			return err
		},
	})
	if err != nil {
		return nil, "", err
	}
	select {
	case <-install.done:
	case <-time.After(time.Minute):
		install.stop()
		return nil, "", errors.New("initdb does not end")
	}
	url := "postgres://bench@" + loopback(port) + "/postgres?sslmode=disable"
	server, err := start(ctx, launch{
		name: "postgres", dir: dir, uid: uid, gid: gid, goodbye: syscall.SIGINT,
		command: []string{b.programs.postgres, "-D", data, "-p", strconv.Itoa(port), "-k", dir, "-h", "127.0.0.1",
			"-c", "fsync=on", "-c", "synchronous_commit=on", "-c", "shared_buffers=256MB", "-c", "max_connections=300"},
		answers: func(ctx context.Context) error {
			conn, err := pgx.Connect(ctx, url)
			if err != nil {
				return err
			}
			return conn.Close(ctx)
		},
	})
	return server, url, err
}

// postgresUser is who runs PostgreSQL: nobody else than us unless we are root.
func postgresUser() (uid, gid uint32, err error) {
	if os.Getuid() != 0 {
		return 0, 0, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		if found, lookupErr := user.Lookup(name); lookupErr == nil {
			u, uidErr := strconv.ParseUint(found.Uid, 10, 32)
			g, gidErr := strconv.ParseUint(found.Gid, 10, 32)
			return uint32(u), uint32(g), errors.Join(uidErr, gidErr)
		}
	}
	return 0, 0, errors.New("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")
}

// durability is how a Redis keeps what it is told.
type durability string

// The bridge's own Redis is expendable; asynq's is its truth.
const (
	keepsNothing durability = "nothing"
	aofAlways    durability = "always"
	aofEverysec  durability = "everysec"
)

func (b *bench) startRedis(ctx context.Context, keeps durability) (*process, string, error) {
	dir, err := b.folder("redis-" + string(keeps))
	if err != nil {
		return nil, "", err
	}
	port, err := freePort()
	if err != nil {
		return nil, "", err
	}
	command := []string{b.programs.redis, "--bind", "127.0.0.1", "--port", strconv.Itoa(port), "--dir", dir, "--save", "", "--daemonize", "no"}
	if keeps == keepsNothing {
		command = append(command, "--appendonly", "no")
	} else {
		command = append(command, "--appendonly", "yes", "--appendfsync", string(keeps))
	}
	server, err := start(ctx, launch{
		name: "redis-" + string(keeps), dir: dir, command: command,
		answers: func(ctx context.Context) error {
			client := redis.NewClient(&redis.Options{Addr: loopback(port), DisableIdentity: true})
			defer client.Close()
			return client.Ping(ctx).Err()
		},
	})
	return server, loopback(port), err
}
