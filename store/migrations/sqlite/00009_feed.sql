-- +goose Up

-- The shops that are watched. due_at says from when a node may watch one: its
-- next turn, or the end of the lease while a node is at it. The cursor is one
-- moment by the shop's clock and by the database's, null until the first round.
CREATE TABLE feed_watches (
    shop        TEXT    NOT NULL PRIMARY KEY,
    due_at      INTEGER NOT NULL,
    fence       INTEGER NOT NULL,
    node        TEXT    NOT NULL,
    cursor_shop INTEGER,
    cursor_at   INTEGER,
    places      TEXT    NOT NULL,
    trouble     TEXT    NOT NULL
) WITHOUT ROWID;

-- The objects somebody has to look at: one row each, however many things say
-- that it changed. node is '' unless one is looking, and due_at the end of its
-- lease then.
CREATE TABLE feed_looks (
    target     TEXT    NOT NULL PRIMARY KEY,
    shop       TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    object_id  INTEGER NOT NULL,
    mark       TEXT    NOT NULL,
    quiet      INTEGER NOT NULL,
    since      INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    fence      INTEGER NOT NULL,
    node       TEXT    NOT NULL,
    attempts   INTEGER NOT NULL,
    misses     INTEGER NOT NULL,
    due_at     INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX feed_looks_due ON feed_looks (due_at);
CREATE INDEX feed_looks_shop ON feed_looks (shop);

-- What the last look at an object saw.
CREATE TABLE feed_known (
    target      TEXT    NOT NULL PRIMARY KEY,
    shop        TEXT    NOT NULL,
    digest      TEXT    NOT NULL,
    mark        TEXT    NOT NULL,
    settled     INTEGER NOT NULL,
    last_change INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX feed_known_shop ON feed_known (shop);

-- The lists that are compared with what they were.
CREATE TABLE feed_pages (
    shop        TEXT    NOT NULL,
    list_name   TEXT    NOT NULL,
    page_number INTEGER NOT NULL,
    content     TEXT    NOT NULL,
    PRIMARY KEY (shop, list_name, page_number)
) WITHOUT ROWID;
