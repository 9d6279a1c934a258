-- +goose Up

-- What is registered of a client beside its secrets: RFC 7591 metadata as JSON.
CREATE TABLE IF NOT EXISTS client_metadata (
    client_id     VARBINARY(512)  NOT NULL PRIMARY KEY,
    metadata      LONGTEXT        NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Operators who can log in. Passwords are hashed.
CREATE TABLE IF NOT EXISTS operators (
    name          VARBINARY(64)   NOT NULL PRIMARY KEY,
    password_hash VARBINARY(255)  NOT NULL,
    scopes        VARBINARY(255)  NOT NULL,
    created_at    BIGINT          NOT NULL,
    removed_at    BIGINT
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What an operator let a client do.
CREATE TABLE IF NOT EXISTS grants (
    id            VARBINARY(64)   NOT NULL PRIMARY KEY,
    client_id     VARBINARY(512)  NOT NULL,
    operator      VARBINARY(64)   NOT NULL,
    scopes        VARBINARY(255)  NOT NULL,
    resources     VARBINARY(1024) NOT NULL,
    created_at    BIGINT          NOT NULL,
    expires_at    BIGINT          NOT NULL,
    revoked_at    BIGINT,
    KEY grants_operator (operator),
    KEY grants_expires (expires_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Codes and refresh tokens by their SHA-256. A used one stays until its grant
-- goes, so that its second coming is noticed.
CREATE TABLE IF NOT EXISTS authorization_codes (
    hash          VARBINARY(64)   NOT NULL PRIMARY KEY,
    grant_id      VARBINARY(64)   NOT NULL,
    redirect_uri  VARBINARY(1024) NOT NULL,
    challenge     VARBINARY(64)   NOT NULL,
    expires_at    BIGINT          NOT NULL,
    used_at       BIGINT,
    KEY authorization_codes_grant (grant_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE IF NOT EXISTS refresh_tokens (
    hash          VARBINARY(64)   NOT NULL PRIMARY KEY,
    grant_id      VARBINARY(64)   NOT NULL,
    expires_at    BIGINT          NOT NULL,
    used_at       BIGINT,
    KEY refresh_tokens_grant (grant_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Client assertions that were used: the SHA-256 of client and jti.
CREATE TABLE IF NOT EXISTS assertions (
    hash          VARBINARY(64)   NOT NULL PRIMARY KEY,
    expires_at    BIGINT          NOT NULL,
    KEY assertions_expires (expires_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
