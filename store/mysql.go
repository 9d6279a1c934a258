package store

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/pressly/goose/v3"
)

// Error numbers of the server that we tell apart.
const (
	mysqlDuplicate       = 1062
	mysqlOutOfRange      = 1690
	mysqlLockWaitTimeout = 1205
	mysqlDeadlock        = 1213
)

func mysqlDialect() dialect {
	return dialect{
		name:       "mysql",
		goose:      goose.DialectMySQL,
		migrations: "migrations/mysql",
		locker:     mysqlMigrationLock{},
		acceptors:  2, // measured: one more than a flush can keep busy, four are slower
		lanes:      2, // one lets a processor of two wait; docs/performance.md
		packets:    true,
		forUpdate:  " FOR UPDATE",
		skipLocked: " FOR UPDATE SKIP LOCKED",
		by:         func(index string) string { return " FORCE INDEX (" + index + ")" },
		// A DELETE heeds no FORCE INDEX, unless it could be one of several tables.
		deleteTurns: "DELETE mine FROM turns mine FORCE INDEX (PRIMARY) WHERE mine.job_id IN ",
		replacing: func(_, columns []string) string {
			var sets []string
			for _, column := range columns {
				sets = append(sets, column+" = VALUES("+column+")")
			}
			return " ON DUPLICATE KEY UPDATE " + strings.Join(sets, ", ")
		},
		roomToEnd: strings.Repeat(" ", 176), // a result or an error of usual length
		// The server's clock, because the clocks of several nodes differ; and
		// SYSDATE, because NOW stands still while a statement waits for a lock.
		clock:     func(func() time.Time) string { return "CAST(UNIX_TIMESTAMP(SYSDATE(6)) * 1000000 AS SIGNED)" },
		duplicate: func(err error) bool { return mysqlNumber(err) == mysqlDuplicate },
		overheard: mysqlOverheard,
		transient: func(err error) bool {
			number := mysqlNumber(err)
			return number == mysqlDeadlock || number == mysqlLockWaitTimeout
		},
		away: func(err error) bool {
			return mysqlAway(mysqlNumber(err)) || errors.Is(err, mysql.ErrInvalidConn)
		},
	}
}

// mysqlOverheard tells the statement that is meant to fail, which the server
// quotes, from any other whose value was out of range: behind that one something
// was left out.
func mysqlOverheard(err error) bool {
	var answer *mysql.MySQLError
	return errors.As(err, &answer) && answer.Number == mysqlOutOfRange && strings.Contains(answer.Message, strconv.FormatUint(math.MaxUint64, 10)+" +")
}

func mysqlNumber(err error) uint16 {
	var answer *mysql.MySQLError
	if errors.As(err, &answer) {
		return answer.Number
	}
	return 0
}

// mysqlAway: the server answers that it cannot serve now.
func mysqlAway(number uint16) bool {
	switch number {
	case 1040, 1129, 1203, 1226: // too many connections, host blocked, user limits
	case 1044, 1045, 1049, 1698: // access denied, database dropped
	case 1053, 1317, 1927, 3024, 4031: // shutting down, query or connection killed, time limit
	case 1290, 1792, 1836: // read-only, as after a failover
	case 1021, 1041, 1114: // disk or memory full
	default:
		return false
	}
	return true
}

// mysqlConfig sets the session. Waiting for a row lock ends well before the
// read timeout, so that a lock is never mistaken for a lost server.
func mysqlConfig(at mysqlAddress) *mysql.Config {
	c := mysql.NewConfig()
	c.User, c.Passwd, c.Net, c.Addr, c.DBName, c.TLSConfig = at.user, at.password, at.network, at.host, at.name, at.tls
	c.Collation = "utf8mb4_bin"
	c.ClientFoundRows = true // an UPDATE that changes nothing still found its row
	c.InterpolateParams = true
	c.MultiStatements = true // for packets; texts of statements are the program's own, values are always parameters
	c.MaxAllowedPacket = 0   // ask the server; what is larger is sent in pieces
	c.Timeout, c.ReadTimeout, c.WriteTimeout = 5*time.Second, 10*time.Second, 10*time.Second
	c.Logger = &mysql.NopLogger{} // every fault comes back as an error, too
	c.Params = map[string]string{
		"time_zone":                "'+00:00'",
		"sql_mode":                 "'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO'",
		"innodb_lock_wait_timeout": "4",
	}
	return c
}

func openMySQL(at mysqlAddress, options Options) (database, error) {
	config, maxConns := mysqlConfig(at), cmp.Or(options.MaxConns, 32)
	pool, err := mysqlPool(config, options)
	if err != nil {
		return database{}, err
	}
	pool.SetMaxOpenConns(maxConns)
	pool.SetMaxIdleConns(maxConns)
	pool.SetConnMaxIdleTime(time.Minute)
	pool.SetConnMaxLifetime(10 * time.Minute)
	migrating := func() (*sql.DB, error) {
		patient := config.Clone()
		patient.ReadTimeout = 0 // the caller's context bounds a migration
		return mysqlPool(patient, Options{})
	}
	return database{dialect: mysqlDialect(), read: pool, write: pool, migrating: migrating}, nil
}

func mysqlPool(config *mysql.Config, options Options) (*sql.DB, error) {
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, errMySQLForm
	}
	return sql.OpenDB(mysqlConnector{options.wrapped(connector)}), nil
}

// mysqlConnector makes every connection read committed: the program's locks are
// on rows it names, and gap locks would only bring deadlocks. The variable's
// name differs between MySQL and MariaDB, the statement does not.
type mysqlConnector struct{ driver.Connector }

func (m mysqlConnector) Connect(ctx context.Context) (driver.Conn, error) {
	plain, err := m.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	conn := plain.(mysqlConn)
	_, err = conn.ExecContext(ctx, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", nil)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &thriftyConn{mysqlConn: conn}, nil
}

// mysqlMigrationLock is held by the session that migrates. The name is known
// to the whole server, hence made of the database's name.
type mysqlMigrationLock struct{}

const mysqlLockName = "CONCAT('bridge_migration_', MD5(DATABASE()))"

func (mysqlMigrationLock) SessionLock(ctx context.Context, conn *sql.Conn) error {
	var got sql.NullInt64
	if err := conn.QueryRowContext(ctx, "SELECT GET_LOCK("+mysqlLockName+", 60)").Scan(&got); err != nil {
		return fmt.Errorf("lock for migrations: %w", err)
	}
	if got.Int64 != 1 {
		return errors.New("another program has been migrating this database for a minute; wait for it and start again")
	}
	return nil
}

func (mysqlMigrationLock) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, "DO RELEASE_LOCK("+mysqlLockName+")")
	return err
}
