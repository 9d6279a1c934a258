-- +goose Up

-- The shops that are watched. due_at says from when a node may watch one: its
-- next turn, or the end of the lease while a node is at it. The cursor is one
-- moment by the shop's clock and by the database's, null until the first round.
CREATE TABLE IF NOT EXISTS feed_watches (
    shop        VARBINARY(32)  NOT NULL PRIMARY KEY,
    due_at      BIGINT         NOT NULL,
    fence       BIGINT         NOT NULL,
    node        VARBINARY(255) NOT NULL,
    cursor_shop BIGINT,
    cursor_at   BIGINT,
    places      LONGTEXT       NOT NULL,
    trouble     LONGTEXT       NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The objects somebody has to look at: one row each, however many things say
-- that it changed. node is '' unless one is looking, and due_at the end of its
-- lease then.
CREATE TABLE IF NOT EXISTS feed_looks (
    target     VARBINARY(512) NOT NULL PRIMARY KEY,
    shop       VARBINARY(32)  NOT NULL,
    kind       VARBINARY(16)  NOT NULL,
    object_id  BIGINT         NOT NULL,
    mark       VARBINARY(64)  NOT NULL,
    quiet      TINYINT        NOT NULL,
    since      BIGINT         NOT NULL,
    generation BIGINT         NOT NULL,
    fence      BIGINT         NOT NULL,
    node       VARBINARY(255) NOT NULL,
    attempts   INT            NOT NULL,
    misses     INT            NOT NULL,
    due_at     BIGINT         NOT NULL,
    created_at BIGINT         NOT NULL,
    INDEX feed_looks_due (due_at),
    INDEX feed_looks_shop (shop)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What the last look at an object saw.
CREATE TABLE IF NOT EXISTS feed_known (
    target      VARBINARY(512) NOT NULL PRIMARY KEY,
    shop        VARBINARY(32)  NOT NULL,
    digest      VARBINARY(64)  NOT NULL,
    mark        VARBINARY(64)  NOT NULL,
    settled     TINYINT        NOT NULL,
    last_change BIGINT         NOT NULL,
    INDEX feed_known_shop (shop)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The lists that are compared with what they were.
CREATE TABLE IF NOT EXISTS feed_pages (
    shop        VARBINARY(32) NOT NULL,
    list_name   VARBINARY(16) NOT NULL,
    page_number BIGINT        NOT NULL,
    content     LONGTEXT      NOT NULL,
    PRIMARY KEY (shop, list_name, page_number)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
