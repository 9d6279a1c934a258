-- +goose Up

-- Who may call besides the client of the settings. OAuth secrets are hashed;
-- signing secrets are sealed with the key of SECRETS_KEY_PATH.
CREATE TABLE IF NOT EXISTS clients (
    id          VARBINARY(64)  NOT NULL PRIMARY KEY,
    secret_hash VARBINARY(255) NOT NULL,
    old_hash    VARBINARY(255) NOT NULL,
    scopes      VARBINARY(255) NOT NULL,
    sealed_hmac VARBINARY(512) NOT NULL,
    sealed_old  VARBINARY(512) NOT NULL,
    rate_read   INT,
    rate_write  INT,
    sources     LONGTEXT       NOT NULL,
    created_at  BIGINT         NOT NULL,
    revoked_at  BIGINT
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
