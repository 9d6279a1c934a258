package store

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prestashop-bridge/bridge/bridge"
)

func TestMySQLAddresses(t *testing.T) {
	for url, want := range map[string]mysqlAddress{
		"mysql://ana:s3cret@db.example:3307/bridge":             {"ana", "s3cret", "tcp", "db.example:3307", "bridge", ""},
		"mysql://ana@db.example/bridge?tls=true":                {"ana", "", "tcp", "db.example:3306", "bridge", "true"},
		"mysql://ana:p%40ss%2Fw%3F%23%25@[::1]:3306/my-bridge":  {"ana", "p@ss/w?#%", "tcp", "[::1]:3306", "my-bridge", ""},
		"mysql://ana@localhost/bridge?socket=/run/mysqld/m.ock": {"ana", "", "unix", "/run/mysqld/m.ock", "bridge", ""},
		"mysql://ana@/bridge?socket=/run/m.sock":                {"ana", "", "unix", "/run/m.sock", "bridge", ""},
	} {
		got, err := parseMySQL(url)
		if err != nil {
			t.Errorf("%s: %v", url, err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(mysqlAddress{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", url, diff)
		}
	}
}

// A wrong address is refused with what to do about it, and never repeated: it
// holds a password.
func TestRefusedAddresses(t *testing.T) {
	for url, advice := range map[string]string{
		"":                                     "must begin with mysql: or sqlite:",
		"postgres://ana:s3cret@db/bridge":      "must begin with mysql: or sqlite:",
		"mysql://ana:s3cret@db:3306/":          "names no database",
		"mysql://ana:s3cret@db:3306":           "names no database",
		"mysql://db:3306/bridge":               "names no user",
		"mysql:ana:s3cret@db/bridge":           "percent-encode",
		"mysql://ana:s3cret/x@db/bridge":       "percent-encode",
		"mysql://ana:3306/s3cret@db/bridge":    "names no user",
		"mysql://ana:s3cret#x@db/bridge":       "percent-encode",
		"mysql://ana:s3cret?x@db/bridge":       "percent-encode",
		"mysql://ana:s3cret%x@db/bridge":       "percent-encode",
		"mysql://ana:x@y/s3cret@db/bridge":     "percent-encoded",
		"mysql://ana:s3cret@db/bridge?x=y":     "only socket and tls",
		"mysql://ana:s3cret@db/bridge?tls=yes": "must be true, skip-verify, preferred or false",
		"sqlite::memory:":                      "write sqlite: and the path of a file",
		"sqlite:file::memory:?cache=shared":    "write sqlite: and the path of a file",
		"sqlite:x.db?mode=memory":              "write sqlite: and the path of a file",
		"sqlite:":                              "write sqlite: and its path",
		"sqlite://bridge.db":                   "write sqlite: and its path",
		"sqlite:/var/lib/":                     "write sqlite: and its path",
		"sqlite:/var/lib/x.db?mode=ro":         "without ? and options",
		"sqlite:/nowhere/at/all/bridge.db":     "the folder /nowhere/at/all must exist",
	} {
		s, err := Open(t.Context(), url, Options{})
		if err == nil {
			_ = s.Close()
			t.Errorf("%s was opened", url)
			continue
		}
		if !strings.Contains(err.Error(), advice) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v; want advice with %q and without the password", url, err, advice)
		}
	}
}

func TestUnreachableServer(t *testing.T) {
	_, err := Open(t.Context(), "mysql://ana:s3cret@127.0.0.1:1/bridge", Options{})
	if code(err) != bridge.CodeStoreUnavailable || !strings.Contains(err.Error(), "check that it runs") || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("%v; want store_unavailable with advice and without the password", err)
	}
}

func TestWrongPassword(t *testing.T) {
	url := strings.Replace(mysqlURL(t), "root@", "root:s3cret@", 1)
	_, err := Open(t.Context(), url, Options{})
	if code(err) != bridge.CodeStoreUnavailable || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("%v; want store_unavailable without the password", err)
	}
}

func TestFileIsTheOwnersAlone(t *testing.T) {
	t.Chdir(t.TempDir())
	for url, path := range map[string]string{
		"sqlite:relative.db":                  "relative.db",
		"sqlite:a name % with # signs é.db":   "a name % with # signs é.db",
		"sqlite://" + t.TempDir() + "/a.db":   "",
		"sqlite:" + t.TempDir() + "/sub.d.db": "",
	} {
		if path == "" {
			path = strings.TrimPrefix(strings.TrimPrefix(url, "sqlite:"), "//")
		}
		s, err := Open(t.Context(), url, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Migrate(t.Context()); err != nil {
			t.Error(err)
		}
		if _, err := s.Accept(t.Context(), job(), someIntention); err != nil {
			t.Error(err)
		}
		files, err := filepath.Glob(path + "*")
		if err != nil || len(files) != 3 {
			t.Errorf("%s made %v; want the file, its log and its index", url, files)
		}
		for _, name := range files {
			if info, err := os.Stat(name); err != nil || info.Mode().Perm() != fs.FileMode(0o600) {
				t.Errorf("%s has mode %v; want 0600", name, info.Mode())
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// What the guarantees of the package rest on is asked of the databases.
func TestSessions(t *testing.T) {
	onEach(t, func(r rig) {
		tests := map[string]string{
			"SELECT @@time_zone":                "+00:00",
			"SELECT @@character_set_client":     "utf8mb4",
			"SELECT @@character_set_results":    "utf8mb4",
			"SELECT @@collation_connection":     "utf8mb4_bin",
			"SELECT @@innodb_lock_wait_timeout": "4",
			"SELECT VARIABLE_VALUE FROM information_schema.SESSION_VARIABLES WHERE VARIABLE_NAME IN ('tx_isolation', 'transaction_isolation')": "READ-COMMITTED",
		}
		if r.dialect.name == "sqlite" {
			tests = map[string]string{
				"PRAGMA journal_mode": "wal",
				"PRAGMA synchronous":  "2",
				"PRAGMA foreign_keys": "1",
				"PRAGMA busy_timeout": "5000",
			}
			if err := r.read.QueryRowContext(r.Context(), "DELETE FROM jobs").Err(); err == nil {
				r.Error("a reading connection can write")
			}
		}
		for query, want := range tests {
			var got string
			if err := r.write.QueryRowContext(r.Context(), query).Scan(&got); err != nil || got != want {
				r.Errorf("%s gave %q, %v; want %q", query, got, err, want)
			}
		}
	})
}

func TestTwoTargetsAreNeverOne(t *testing.T) {
	onEach(t, func(r rig) {
		for _, target := range []string{"reference:a", "reference:A", "reference:a ", "reference:á", "reference:a\u0301"} {
			r.claimed(r.accepted(target))
		}
	})
}

func TestPing(t *testing.T) {
	onEach(t, func(r rig) {
		if err := r.Ping(r.Context()); err != nil {
			r.Error(err)
		}
		ctx, cancel := context.WithCancel(r.Context())
		cancel()
		if err := r.Ping(ctx); code(err) != bridge.CodeStoreUnavailable {
			r.Errorf("Ping gave %v", err)
		}
	})
}
