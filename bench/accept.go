package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/hibiken/asynq"
	"github.com/jackc/pgx/v5"
)

// crowds are how many clients send at once.
var crowds = []int{1, 16, 64, 256}

// contestant is a server in the accept part.
type contestant struct {
	name  string
	floor string // the contestant it is held against
	among int64  // products it knows; 0: any
	// stored counts what the contestant has made durable; nil: nothing.
	stored func(context.Context) (int, error)

	server *process
	sender *sender
	total  int // answered 202
	turns  map[int][]turn
}

// measureAccept sends signed writes to servers that differ in their intake
// alone, and to the product's own binary.
func measureAccept(ctx context.Context, b *bench) error {
	var all []*contestant
	defer func() {
		for _, c := range all {
			c.server.stop()
		}
	}()
	enter := func(c *contestant, s doorSettings) error {
		var url string
		var err error
		if c.server, url, err = b.door(ctx, c.name, s); err != nil {
			return err
		}
		all = append(all, c)
		c.sender, err = newSender(ctx, url, clientID, clientSecret)
		return err
	}
	if err := enterOurs(ctx, b, enter); err != nil {
		return err
	}
	if err := enterPeers(ctx, b, enter); err != nil {
		return err
	}
	for _, kind := range []string{onMariaDB, onSQLite} {
		if !b.who.MatchString(servingName(kind)) {
			continue
		}
		node, err := b.servingNode(ctx, kind)
		if err != nil {
			return err
		}
		all = append(all, node)
	}
	for _, crowd := range crowds {
		for range b.rounds {
			for _, c := range all {
				done, err := c.sender.flood(ctx, c.server, crowd, b.window, c.among)
				if err != nil {
					return fmt.Errorf("%s: %w", c.name, err)
				}
				if c.turns == nil {
					c.turns = map[int][]turn{}
				}
				c.total += done.accepted
				c.turns[crowd] = append(c.turns[crowd], done)
			}
		}
	}
	return reportAccept(ctx, b, all)
}

// enterOurs enters the bridge, its floor and the naive peer on both databases.
func enterOurs(ctx context.Context, b *bench, enter func(*contestant, doorSettings) error) error {
	for _, kind := range []string{onMariaDB, onSQLite} {
		for _, name := range []string{intakeBridge, intakeNoCommit, intakeNaive} {
			c := &contestant{name: name + ", " + kind, floor: intakeNoCommit + ", " + kind}
			if !b.who.MatchString(c.name) {
				continue
			}
			at, err := b.place(ctx, kind)
			if err != nil {
				return err
			}
			if table := map[string]string{intakeBridge: "jobs", intakeNaive: "naive_jobs"}[name]; table != "" {
				c.stored = func(ctx context.Context) (int, error) { return countRows(ctx, at.database, table) }
			}
			if err := enter(c, doorSettings{intake: name, database: at.database, redis: at.redis}); err != nil {
				return err
			}
		}
	}
	return nil
}

// enterPeers enters the same door on River and on asynq.
func enterPeers(ctx context.Context, b *bench, enter func(*contestant, doorSettings) error) error {
	redis, err := b.redis(ctx, keepsNothing)
	if err != nil {
		return err
	}
	floor := intakeNoCommit + ", " + onMariaDB
	if river := (&contestant{name: "River, PostgreSQL", floor: floor}); b.who.MatchString(river.name) {
		postgres, err := b.postgresql(ctx)
		if err != nil {
			return err
		}
		had, err := countRiver(ctx, postgres)
		if err != nil {
			return err
		}
		river.stored = func(ctx context.Context) (int, error) {
			n, err := countRiver(ctx, postgres)
			return n - had, err
		}
		if err := enter(river, doorSettings{intake: intakeRiver, redis: "redis://" + redis + "/0", peer: postgres}); err != nil {
			return err
		}
	}
	for _, keeps := range []durability{aofAlways, aofEverysec} {
		c := &contestant{name: "asynq, AOF " + string(keeps), floor: floor}
		if !b.who.MatchString(c.name) {
			continue
		}
		address, err := b.redis(ctx, keeps)
		if err != nil {
			return err
		}
		c.stored = func(context.Context) (int, error) { return countAsynq(address) }
		if err := enter(c, doorSettings{intake: intakeAsynq, redis: "redis://" + redis + "/0", peer: address}); err != nil {
			return err
		}
	}
	return nil
}

func countRows(ctx context.Context, database, table string) (n int, err error) {
	db, err := openOwn(database)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	return n, db.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+table).Scan(&n)
}

// countRiver counts River's jobs; none before its tables are made.
func countRiver(ctx context.Context, url string) (n int, err error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return 0, err
	}
	defer conn.Close(ctx)
	var made bool
	if err := conn.QueryRow(ctx, "SELECT to_regclass('river_job') IS NOT NULL").Scan(&made); err != nil || !made {
		return 0, err
	}
	return n, conn.QueryRow(ctx, "SELECT COUNT(*) FROM river_job").Scan(&n)
}

func countAsynq(address string) (int, error) {
	inspector := asynq.NewInspector(asynqRedis(address))
	info, err := inspector.GetQueueInfo("default")
	if err != nil {
		return 0, errors.Join(err, inspector.Close())
	}
	return info.Pending, inspector.Close()
}

func reportAccept(ctx context.Context, b *bench, all []*contestant) error {
	b.report.say("A signed POST (%d bytes of JSON) → token, signature, rate, policies, schema, request id looked up → durable → 202, over kept connections, every request with its own id and payload; %s a turn. "+
		"`bridge` is the product's door, hub, store and queue; `no-commit`, the floor, is the same server whose store writes nothing; `naive` writes one row a request in a transaction of its own; River and asynq are the same door whose accepted writes become their jobs (neither has to look up a request id in its own database). "+
		"These servers ask no shop. `bridge serve` is the product's binary with all its parts but the worker, and it asks the stand-in shop about each product before accepting.", len(priceChange(0)), b.window)
	byName := map[string]*contestant{}
	for _, c := range all {
		byName[c.name] = c
	}
	for _, crowd := range crowds {
		var rows [][]string
		for _, c := range all {
			turns := c.turns[crowd]
			floor, naive, river := byName[c.floor], byName[intakeNaive+", "+c.kind()], byName["River, PostgreSQL"]
			rows = append(rows, []string{
				c.name, rates(turns).spread("%.0f"),
				quantity(turns, func(t turn) float64 { return t.p50 }).middle("%.1f"), quantity(turns, func(t turn) float64 { return t.p99 }).middle("%.1f"),
				quantity(turns, func(t turn) float64 { return t.cost }).middle("%.0f"),
				ratioTo(turns, floor, crowd, c), ratioTo(turns, naive, crowd, c), ratioTo(turns, river, crowd, c),
			})
		}
		b.report.say("**c = %d**", crowd)
		b.report.table([]string{"server", "accepted/s", "p50 ms", "p99 ms", "server µs CPU each", "of the floor", "× naive", "× River"}, rows)
	}
	return verifyAccepted(ctx, b, all)
}

// kind is the database of a contestant of ours.
func (c *contestant) kind() string {
	for _, kind := range []string{onMariaDB, onSQLite} {
		if len(c.name) > len(kind) && c.name[len(c.name)-len(kind):] == kind {
			return kind
		}
	}
	return ""
}

func rates(turns []turn) figures { return quantity(turns, func(t turn) float64 { return t.rate }) }

func quantity(turns []turn, of func(turn) float64) figures {
	var f figures
	for _, t := range turns {
		f = append(f, of(t))
	}
	return f
}

func ratioTo(turns []turn, other *contestant, crowd int, self *contestant) string {
	if other == nil || other == self {
		return "–"
	}
	return rates(turns).against(rates(other.turns[crowd])).middle("%.2f")
}

// verifyAccepted holds what was answered 202 against what the databases hold.
func verifyAccepted(ctx context.Context, b *bench, all []*contestant) error {
	said := ""
	for _, c := range all {
		for _, turns := range c.turns {
			for _, t := range turns {
				for status, n := range t.refused {
					said += fmt.Sprintf(" %s answered %d ×%d.", c.name, status, n)
				}
			}
		}
		if c.stored == nil {
			continue
		}
		stored, err := c.stored(ctx)
		if err != nil {
			return err
		}
		if stored != c.total {
			return fmt.Errorf("%s answered 202 to %d writes and holds %d", c.name, c.total, stored)
		}
	}
	if said == "" {
		said = " Nothing was refused."
	}
	b.report.say("Checked afterwards: every server holds exactly as many rows as it has answered 202.%s", said)
	return nil
}

func servingName(kind string) string { return "bridge serve, " + kind }

// servingNode is the product's binary as a contestant.
func (b *bench) servingNode(ctx context.Context, kind string, settings ...string) (*contestant, error) {
	const products = 1000
	at, err := b.place(ctx, kind)
	if err != nil {
		return nil, err
	}
	shop, err := b.sandbox(products, nil)
	if err != nil {
		return nil, err
	}
	node, url, err := b.node(ctx, at, shop, "rest", settings...)
	if err != nil {
		return nil, err
	}
	s, err := newSender(ctx, url, clientID, clientSecret)
	if err != nil {
		node.stop()
		return nil, err
	}
	return &contestant{
		name: servingName(kind), floor: intakeNoCommit + ", " + kind, among: products, server: node, sender: s,
		stored: func(ctx context.Context) (int, error) { return countRows(ctx, at.database, "jobs") },
	}, nil
}
