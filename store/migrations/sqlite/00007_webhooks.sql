-- +goose Up

-- Who wants to be told of what, and where. Both secrets are sealed with the key
-- of SECRETS_KEY_PATH. An id is never used twice, also after a DELETE.
CREATE TABLE webhooks (
    id            INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    client_id     TEXT    NOT NULL,
    shop          TEXT    NOT NULL,
    topic         TEXT    NOT NULL,
    address       TEXT    NOT NULL,
    content_type  TEXT    NOT NULL,
    pii           INTEGER NOT NULL,
    sealed_secret TEXT    NOT NULL,
    sealed_old    TEXT    NOT NULL,
    old_until     INTEGER,
    request_id    TEXT,
    intention     TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    failing_since INTEGER,
    disabled_at   INTEGER,
    disabled_for  TEXT    NOT NULL,
    enabled       INTEGER NOT NULL GENERATED ALWAYS AS (disabled_at IS NULL) STORED
);
CREATE INDEX webhooks_wanted ON webhooks (topic, enabled, shop, client_id);
CREATE UNIQUE INDEX webhooks_request ON webhooks (client_id, request_id);

-- The key of X-YHSD-HMAC-SHA256: one for all webhooks of a client in a shop.
CREATE TABLE webhook_tokens (
    client_id    TEXT    NOT NULL,
    shop         TEXT    NOT NULL,
    sealed_token TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (client_id, shop)
) WITHOUT ROWID;

-- What happened, written in the transaction that made it so. private_body is
-- the body with personal data, for those who may see it.
CREATE TABLE events (
    id           TEXT    NOT NULL PRIMARY KEY,
    shop         TEXT    NOT NULL,
    client_id    TEXT    NOT NULL,
    topic        TEXT    NOT NULL,
    object_key   TEXT    NOT NULL,
    body         TEXT    NOT NULL,
    private_body TEXT,
    created_at   INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX events_age ON events (created_at);

-- One event for one webhook. due_at says from when a node may send it: at once,
-- the end of the pause after a failure, the end of the lease while it is being
-- sent, and null when it is settled. Ids are in the order of the events.
CREATE TABLE deliveries (
    id         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    webhook_id INTEGER NOT NULL,
    event_id   TEXT    NOT NULL,
    object_key TEXT    NOT NULL,
    state      TEXT    NOT NULL,
    attempts   INTEGER NOT NULL,
    fence      INTEGER NOT NULL,
    node       TEXT    NOT NULL,
    due_at     INTEGER,
    live       INTEGER NOT NULL GENERATED ALWAYS AS (due_at IS NOT NULL) STORED,
    created_at INTEGER NOT NULL,
    settled_at INTEGER,
    CONSTRAINT deliveries_state CHECK (state IN ('waiting', 'delivered', 'failed')),
    CONSTRAINT deliveries_due CHECK ((due_at IS NOT NULL) = (state = 'waiting'))
);
CREATE INDEX deliveries_due ON deliveries (live, due_at);
CREATE INDEX deliveries_lane ON deliveries (webhook_id, live, due_at, id);
CREATE INDEX deliveries_object ON deliveries (webhook_id, object_key, live, id);
CREATE INDEX deliveries_event ON deliveries (event_id);
CREATE INDEX deliveries_log ON deliveries (webhook_id, id);
CREATE INDEX deliveries_settled ON deliveries (live, settled_at);

-- The delivery log: one row an attempt.
CREATE TABLE delivery_attempts (
    delivery_id INTEGER NOT NULL,
    fence       INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    took        INTEGER NOT NULL,
    status      INTEGER NOT NULL,
    response    TEXT    NOT NULL,
    error       TEXT    NOT NULL,
    PRIMARY KEY (delivery_id, fence)
) WITHOUT ROWID;

-- Tokens of the compatibility door, hashed; one a client.
CREATE TABLE access_tokens (
    client_id  TEXT    NOT NULL PRIMARY KEY,
    token_hash TEXT    NOT NULL,
    created_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX access_tokens_hash ON access_tokens (token_hash);
