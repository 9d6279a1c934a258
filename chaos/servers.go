package main

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/go-sql-driver/mysql"
)

// programs are the servers a storm needs on the machine.
type programs struct{ mariadbd, installDB, redis string }

// errNoServers says that the machine cannot run a storm.
var errNoServers = errors.New("mariadbd, mariadb-install-db and redis-server are needed (Debian: mariadb-server, redis-server)")

func findPrograms() (programs, error) {
	p := programs{
		mariadbd:  firstOf("mariadbd", "mysqld"),
		installDB: firstOf("mariadb-install-db", "mysql_install_db"),
		redis:     firstOf("redis-server"),
	}
	if p.mariadbd == "" || p.installDB == "" || p.redis == "" {
		return p, errNoServers
	}
	return p, nil
}

// firstOf finds a program; Debian keeps servers in sbin, which is not in every
// user's PATH.
func firstOf(names ...string) string {
	for _, name := range names {
		for _, folder := range []string{"", "/usr/local/sbin/", "/usr/sbin/", "/sbin/"} {
			if path, err := exec.LookPath(folder + name); err == nil {
				return path
			}
		}
	}
	return ""
}

// freePort picks a port nobody listens on, below those the system gives to
// outgoing connections: one of them could sit on it while its owner is dead.
func freePort() int {
	for {
		port := 20000 + rand.N(12000)
		listener, err := net.Listen("tcp", loopback(port))
		if err == nil {
			_ = listener.Close()
			return port
		}
	}
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

const databaseName = "chaos"

// database is the MariaDB of a storm and our own way into it.
type database struct {
	process *process
	sql     *sql.DB
	url     string
}

// newMariaDB prepares a data folder and the process that serves it. A commit is
// flushed as in production, or a kill would prove less.
func newMariaDB(ctx context.Context, p programs, dir string) (*database, error) {
	data, port := filepath.Join(dir, "data"), freePort()
	common := []string{"--no-defaults", "--datadir=" + data}
	if os.Getuid() == 0 {
		common = append(common, "--user=root") // mariadbd refuses root unless told
	}
	install := exec.CommandContext(ctx, p.installDB, append(common, "--auth-root-authentication-method=normal", "--skip-test-db")...)
	if said, err := install.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("the MariaDB data folder could not be made: %w\n%s", err, said)
	}
	address := mysql.NewConfig()
	address.User, address.Net, address.Addr = "root", "tcp", loopback(port)
	address.Timeout, address.ReadTimeout, address.Logger = time.Second, 5*time.Second, &mysql.NopLogger{}
	connector, err := mysql.NewConnector(address)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	process := &process{
		kind: kindMariaDB, name: kindMariaDB, dir: dir, answers: db.PingContext,
		command: append(append([]string{p.mariadbd}, common...),
			"--tmpdir="+dir, "--socket="+filepath.Join(dir, "mysql.sock"), "--pid-file="+filepath.Join(dir, "mysql.pid"),
			"--bind-address=127.0.0.1", "--port="+strconv.Itoa(port), "--skip-name-resolve",
			"--innodb-flush-log-at-trx-commit=1", "--innodb-buffer-pool-size=128M", "--innodb-log-file-size=96M",
			"--performance-schema=OFF", "--max-connections=500"),
	}
	return &database{process: process, sql: db, url: "mysql://root@" + address.Addr + "/" + databaseName}, nil
}

// newRedis is a Redis that keeps nothing: each kill is a total loss.
func newRedis(p programs, dir string) (redis *process, address string) {
	port := freePort()
	address = loopback(port)
	return &process{
		kind: kindRedis, name: kindRedis, dir: dir,
		command: []string{p.redis, "--bind", "127.0.0.1", "--port", strconv.Itoa(port), "--dir", dir, "--save", "", "--appendonly", "no", "--daemonize", "no"},
		answers: func(ctx context.Context) error { return pingRedis(ctx, address) },
	}, address
}

func pingRedis(ctx context.Context, address string) error {
	dialer := net.Dialer{Timeout: time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	if _, err := io.WriteString(conn, "PING\r\n"); err != nil {
		return err
	}
	said, err := bufio.NewReader(conn).ReadString('\n')
	if err == nil && said != "+PONG\r\n" {
		err = fmt.Errorf("redis says %q", said)
	}
	return err
}
