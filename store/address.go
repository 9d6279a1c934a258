package store

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
)

// Addresses carry passwords, so no error here repeats what it was given, and
// the errors of net/url, which do, are not wrapped.
var (
	errNoScheme = errors.New("store: DATABASE_URL must begin with mysql: or sqlite:, " +
		"for example mysql://user:password@host:3306/bridge or sqlite:/var/lib/bridge/bridge.db")
	errMemory = errors.New("store: DATABASE_URL must not name an in-memory database: " +
		"accepted jobs must survive a restart; write sqlite: and the path of a file")
	errNoFile      = errors.New("store: DATABASE_URL names no file: write sqlite: and its path, for example sqlite:/var/lib/bridge/bridge.db")
	errFileOptions = errors.New("store: DATABASE_URL must be sqlite: and a path, without ? and options")
	errMySQLForm   = errors.New("store: DATABASE_URL cannot be read: write mysql://user:password@host:3306/database " +
		"and percent-encode special characters of the password (@ as %40, / as %2F, # as %23, ? as %3F, % as %25)")
	errMySQLUser = errors.New("store: DATABASE_URL names no user: write mysql://user:password@host:3306/database")
	errMySQLName = errors.New("store: DATABASE_URL names no database, or one with other characters than A-Z a-z 0-9 _ - $: " +
		"write mysql://user:password@host:3306/database, with special characters of the password percent-encoded")
	errTLS = errors.New("store: tls in DATABASE_URL must be true, skip-verify, preferred or false")
)

// mysqlAddress is where a MySQL or MariaDB is and who we are there.
type mysqlAddress struct {
	user, password, network, host, name, tls string
}

// databaseName is strict so that a part of a badly encoded password, taken for
// the name, is refused here instead of being repeated by the server.
var databaseName = regexp.MustCompile(`^[A-Za-z0-9_$-]{1,64}$`)

// parseMySQL reads mysql://user:password@host:port/database with the options
// tls (true, skip-verify, preferred, false) and socket, a path that is used
// instead of host and port: mysql://user@localhost/bridge?socket=/run/mysqld/mysqld.sock
func parseMySQL(databaseURL string) (mysqlAddress, error) {
	u, err := url.Parse(databaseURL)
	if err != nil || u.Opaque != "" || u.Fragment != "" {
		return mysqlAddress{}, errMySQLForm
	}
	if u.User.Username() == "" {
		return mysqlAddress{}, errMySQLUser
	}
	at := mysqlAddress{user: u.User.Username(), network: "tcp", name: strings.TrimPrefix(u.Path, "/")}
	at.password, _ = u.User.Password()
	if !databaseName.MatchString(at.name) {
		return mysqlAddress{}, errMySQLName
	}
	at.host = hostPort(u)
	return at, at.apply(u.RawQuery)
}

func hostPort(u *url.URL) string {
	host, port := u.Hostname(), u.Port()
	if host == "" {
		host = "localhost"
	}
	if port == "" {
		port = "3306"
	}
	return net.JoinHostPort(host, port)
}

// apply reads the options of the address.
func (at *mysqlAddress) apply(query string) error {
	options, err := url.ParseQuery(query)
	if err != nil {
		return errMySQLForm
	}
	for name, values := range options {
		switch name {
		case "socket":
			at.network, at.host = "unix", values[0]
		case "tls":
			at.tls = values[0]
		default:
			return fmt.Errorf("store: DATABASE_URL has the option %.40q, which is not known: only socket and tls are", name)
		}
	}
	switch at.tls {
	case "", "true", "skip-verify", "preferred", "false":
		return nil
	}
	return errTLS
}

// parseSQLite reads sqlite:path; sqlite:///path is the same as sqlite:/path.
func parseSQLite(databaseURL string) (string, error) {
	path := strings.TrimPrefix(databaseURL, "sqlite:")
	if strings.HasPrefix(path, "///") {
		path = path[2:]
	}
	switch {
	case strings.Contains(path, ":memory:"), strings.Contains(path, "mode=memory"):
		return "", errMemory
	case path == "", strings.HasPrefix(path, "//"), strings.HasSuffix(path, "/"):
		return "", errNoFile
	case strings.Contains(path, "?"):
		return "", errFileOptions
	}
	// Absolute, so that it stays the same file wherever the process moves to.
	return filepath.Abs(path)
}
