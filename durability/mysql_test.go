package durability

import (
	"context"
	"database/sql"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/google/uuid"
)

// ownDatabase makes a database on the server of TEST_MYSQL_URL that lives as
// long as the test.
func ownDatabase(t testing.TB) string {
	t.Helper()
	server := os.Getenv("TEST_MYSQL_URL")
	if server == "" {
		t.Skip("TEST_MYSQL_URL is not set: not run on MariaDB; .ci/services sets it")
	}
	name := "durability_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	onServer(t, server, "CREATE DATABASE "+name)
	t.Cleanup(func() { onServer(t, server, "DROP DATABASE "+name) })
	return strings.TrimSuffix(server, "/") + "/" + name
}

// onServer runs one statement.
func onServer(t testing.TB, server, statement string) {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	config := mysql.NewConfig()
	config.Net, config.Addr, config.User = "tcp", u.Host, u.User.Username()
	config.Passwd, _ = u.User.Password()
	connector, err := mysql.NewConnector(config)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	if _, err := db.ExecContext(context.Background(), statement); err != nil {
		t.Errorf("%s: %v", statement, err)
	}
}
