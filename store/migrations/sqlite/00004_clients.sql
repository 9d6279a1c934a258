-- +goose Up

-- Who may call besides the client of the settings. OAuth secrets are hashed;
-- signing secrets are sealed with the key of SECRETS_KEY_PATH.
CREATE TABLE clients (
    id          TEXT    NOT NULL PRIMARY KEY,
    secret_hash TEXT    NOT NULL,
    old_hash    TEXT    NOT NULL,
    scopes      TEXT    NOT NULL,
    sealed_hmac TEXT    NOT NULL,
    sealed_old  TEXT    NOT NULL,
    rate_read   INTEGER,
    rate_write  INTEGER,
    sources     TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    revoked_at  INTEGER
);
