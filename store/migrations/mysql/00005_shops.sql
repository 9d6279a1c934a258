-- +goose Up

-- The shops besides the one of the settings. The webservice key is sealed with
-- the key of SECRETS_KEY_PATH. A removed shop leaves its name, which stands in
-- old jobs and clients and must not come to mean another shop.
CREATE TABLE IF NOT EXISTS shops (
    name        VARBINARY(32)   NOT NULL PRIMARY KEY,
    url         VARBINARY(2048) NOT NULL,
    employee_id BIGINT          NOT NULL,
    sealed_key  VARBINARY(512)  NOT NULL,
    created_at  BIGINT          NOT NULL,
    removed_at  BIGINT
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- MySQL knows no ADD COLUMN IF NOT EXISTS, so each change asks first whether it
-- was made by a start that was cut short. '' is the shop of the settings.
SET @change = IF(EXISTS (SELECT 1 FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'jobs' AND column_name = 'shop'),
    'DO 0', 'ALTER TABLE jobs ADD COLUMN shop VARBINARY(32) NOT NULL DEFAULT ''''');
PREPARE change_once FROM @change;
EXECUTE change_once;

SET @change = IF(EXISTS (SELECT 1 FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'clients' AND column_name = 'shop'),
    'DO 0', 'ALTER TABLE clients ADD COLUMN shop VARBINARY(32) NOT NULL DEFAULT ''''');
PREPARE change_once FROM @change;
EXECUTE change_once;

SET @change = IF(EXISTS (SELECT 1 FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'images' AND column_name = 'shop'),
    'DO 0', 'ALTER TABLE images ADD COLUMN shop VARBINARY(32) NOT NULL DEFAULT '''', DROP PRIMARY KEY, ADD PRIMARY KEY (shop, product_id, sha256)');
PREPARE change_once FROM @change;
EXECUTE change_once;
DEALLOCATE PREPARE change_once;
