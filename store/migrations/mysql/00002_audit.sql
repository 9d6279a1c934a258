-- +goose Up

-- What operators decided, each entry chained to the one before by its hash.
CREATE TABLE IF NOT EXISTS audit (
    seq      BIGINT         NOT NULL PRIMARY KEY,
    at       BIGINT         NOT NULL,
    operator VARBINARY(255) NOT NULL,
    action   VARBINARY(64)  NOT NULL,
    subject  VARBINARY(255) NOT NULL,
    reason   LONGTEXT       NOT NULL,
    previous VARBINARY(64)  NOT NULL,
    hash     VARBINARY(64)  NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
