-- +goose Up

-- What has ended, by how it ended and in the order it was accepted: retention
-- begins at its old end, an operator's list at its new one. MySQL knows no
-- CREATE INDEX IF NOT EXISTS, and after a start that was cut short the index
-- may be there already.
SET @jobs_ended = (SELECT COUNT(*) FROM information_schema.statistics
    WHERE table_schema = DATABASE() AND table_name = 'jobs' AND index_name = 'jobs_ended');
SET @jobs_ended = IF(@jobs_ended = 0, 'CREATE INDEX jobs_ended ON jobs (status, accepted_at, id)', 'DO 0');
PREPARE jobs_ended FROM @jobs_ended;
EXECUTE jobs_ended;
DEALLOCATE PREPARE jobs_ended;
