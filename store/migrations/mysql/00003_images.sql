-- +goose Up

-- Which image of a product was stored from which bytes.
CREATE TABLE IF NOT EXISTS images (
    product_id BIGINT        NOT NULL,
    sha256     VARBINARY(64) NOT NULL,
    image_id   BIGINT        NOT NULL,
    PRIMARY KEY (product_id, sha256)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
