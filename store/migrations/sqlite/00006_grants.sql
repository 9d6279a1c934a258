-- +goose Up

-- What is registered of a client beside its secrets: RFC 7591 metadata as JSON.
CREATE TABLE client_metadata (
    client_id TEXT NOT NULL PRIMARY KEY,
    metadata  TEXT NOT NULL
);

-- Operators who can log in. Passwords are hashed.
CREATE TABLE operators (
    name          TEXT    NOT NULL PRIMARY KEY,
    password_hash TEXT    NOT NULL,
    scopes        TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    removed_at    INTEGER
);

-- What an operator let a client do.
CREATE TABLE grants (
    id         TEXT    NOT NULL PRIMARY KEY,
    client_id  TEXT    NOT NULL,
    operator   TEXT    NOT NULL,
    scopes     TEXT    NOT NULL,
    resources  TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER
);
CREATE INDEX grants_operator ON grants (operator);
CREATE INDEX grants_expires ON grants (expires_at);

-- Codes and refresh tokens by their SHA-256. A used one stays until its grant
-- goes, so that its second coming is noticed.
CREATE TABLE authorization_codes (
    hash         TEXT    NOT NULL PRIMARY KEY,
    grant_id     TEXT    NOT NULL,
    redirect_uri TEXT    NOT NULL,
    challenge    TEXT    NOT NULL,
    expires_at   INTEGER NOT NULL,
    used_at      INTEGER
);
CREATE INDEX authorization_codes_grant ON authorization_codes (grant_id);
CREATE TABLE refresh_tokens (
    hash       TEXT    NOT NULL PRIMARY KEY,
    grant_id   TEXT    NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at    INTEGER
);
CREATE INDEX refresh_tokens_grant ON refresh_tokens (grant_id);

-- Client assertions that were used: the SHA-256 of client and jti.
CREATE TABLE assertions (
    hash       TEXT    NOT NULL PRIMARY KEY,
    expires_at INTEGER NOT NULL
);
CREATE INDEX assertions_expires ON assertions (expires_at);
