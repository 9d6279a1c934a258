-- +goose Up

-- Who wants to be told of what, and where. Both secrets are sealed with the key
-- of SECRETS_KEY_PATH. An id is never used twice, also after a DELETE.
CREATE TABLE IF NOT EXISTS webhooks (
    id            BIGINT          NOT NULL PRIMARY KEY AUTO_INCREMENT,
    client_id     VARBINARY(255)  NOT NULL,
    shop          VARBINARY(64)   NOT NULL,
    topic         VARBINARY(64)   NOT NULL,
    address       VARBINARY(2048) NOT NULL,
    content_type  VARBINARY(64)   NOT NULL,
    pii           TINYINT         NOT NULL,
    sealed_secret VARBINARY(512)  NOT NULL,
    sealed_old    VARBINARY(512)  NOT NULL,
    old_until     BIGINT,
    request_id    VARBINARY(36),
    intention     VARBINARY(64)   NOT NULL,
    created_at    BIGINT          NOT NULL,
    updated_at    BIGINT          NOT NULL,
    failing_since BIGINT,
    disabled_at   BIGINT,
    disabled_for  LONGTEXT        NOT NULL,
    enabled       TINYINT         GENERATED ALWAYS AS (disabled_at IS NULL) STORED,
    INDEX webhooks_wanted (topic, enabled, shop, client_id),
    UNIQUE INDEX webhooks_request (client_id, request_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The key of X-YHSD-HMAC-SHA256: one for all webhooks of a client in a shop.
CREATE TABLE IF NOT EXISTS webhook_tokens (
    client_id    VARBINARY(255) NOT NULL,
    shop         VARBINARY(64)  NOT NULL,
    sealed_token VARBINARY(512) NOT NULL,
    created_at   BIGINT         NOT NULL,
    PRIMARY KEY (client_id, shop)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What happened, written in the transaction that made it so. private_body is
-- the body with personal data, for those who may see it.
CREATE TABLE IF NOT EXISTS events (
    id           VARBINARY(36)  NOT NULL PRIMARY KEY,
    shop         VARBINARY(64)  NOT NULL,
    client_id    VARBINARY(255) NOT NULL,
    topic        VARBINARY(64)  NOT NULL,
    object_key   VARBINARY(512) NOT NULL,
    body         LONGTEXT       NOT NULL,
    private_body LONGTEXT,
    created_at   BIGINT         NOT NULL,
    INDEX events_age (created_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One event for one webhook. due_at says from when a node may send it: at once,
-- the end of the pause after a failure, the end of the lease while it is being
-- sent, and null when it is settled. Ids are in the order of the events.
CREATE TABLE IF NOT EXISTS deliveries (
    id         BIGINT         NOT NULL PRIMARY KEY AUTO_INCREMENT,
    webhook_id BIGINT         NOT NULL,
    event_id   VARBINARY(36)  NOT NULL,
    object_key VARBINARY(512) NOT NULL,
    state      VARBINARY(16)  NOT NULL,
    attempts   INT            NOT NULL,
    fence      BIGINT         NOT NULL,
    node       VARBINARY(255) NOT NULL,
    due_at     BIGINT,
    live       TINYINT        GENERATED ALWAYS AS (due_at IS NOT NULL) STORED,
    created_at BIGINT         NOT NULL,
    settled_at BIGINT,
    INDEX deliveries_due (live, due_at),
    INDEX deliveries_lane (webhook_id, live, due_at, id),
    INDEX deliveries_object (webhook_id, object_key, live, id),
    INDEX deliveries_event (event_id),
    INDEX deliveries_log (webhook_id, id),
    INDEX deliveries_settled (live, settled_at),
    CONSTRAINT deliveries_state CHECK (state IN ('waiting', 'delivered', 'failed')),
    CONSTRAINT deliveries_due CHECK ((due_at IS NOT NULL) = (state = 'waiting'))
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The delivery log: one row an attempt.
CREATE TABLE IF NOT EXISTS delivery_attempts (
    delivery_id BIGINT   NOT NULL,
    fence       BIGINT   NOT NULL,
    at          BIGINT   NOT NULL,
    took        BIGINT   NOT NULL,
    status      INT      NOT NULL,
    response    LONGTEXT NOT NULL,
    error       LONGTEXT NOT NULL,
    PRIMARY KEY (delivery_id, fence)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Tokens of the compatibility door, hashed; one a client.
CREATE TABLE IF NOT EXISTS access_tokens (
    client_id  VARBINARY(255) NOT NULL PRIMARY KEY,
    token_hash VARBINARY(64) NOT NULL,
    created_at BIGINT        NOT NULL,
    UNIQUE INDEX access_tokens_hash (token_hash)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
