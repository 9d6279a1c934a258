-- +goose Up

-- Which image of a product was stored from which bytes.
CREATE TABLE images (
    product_id INTEGER NOT NULL,
    sha256     TEXT    NOT NULL,
    image_id   INTEGER NOT NULL,
    PRIMARY KEY (product_id, sha256)
);
