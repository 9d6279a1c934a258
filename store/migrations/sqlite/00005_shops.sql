-- +goose Up

-- The shops besides the one of the settings. The webservice key is sealed with
-- the key of SECRETS_KEY_PATH. A removed shop leaves its name, which stands in
-- old jobs and clients and must not come to mean another shop.
CREATE TABLE shops (
    name        TEXT    NOT NULL PRIMARY KEY,
    url         TEXT    NOT NULL,
    employee_id INTEGER NOT NULL,
    sealed_key  TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    removed_at  INTEGER
);

-- '' is the shop of the settings.
ALTER TABLE jobs ADD COLUMN shop TEXT NOT NULL DEFAULT '';
ALTER TABLE clients ADD COLUMN shop TEXT NOT NULL DEFAULT '';

-- SQLite cannot change a primary key.
CREATE TABLE images_of_shops (
    shop       TEXT    NOT NULL DEFAULT '',
    product_id INTEGER NOT NULL,
    sha256     TEXT    NOT NULL,
    image_id   INTEGER NOT NULL,
    PRIMARY KEY (shop, product_id, sha256)
);
INSERT INTO images_of_shops (product_id, sha256, image_id) SELECT product_id, sha256, image_id FROM images;
DROP TABLE images;
ALTER TABLE images_of_shops RENAME TO images;
