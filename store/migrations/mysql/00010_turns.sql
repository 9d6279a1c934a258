-- +goose Up

-- Locks become rows of the queue, and the jobs' two indexes become one. Nodes of
-- an older version cannot go on beside this: from the RENAME on they find no
-- queue and no locks, and take in or claim nothing.

-- The queue before each product or order: jobs stand in it from accepted to
-- terminal. place is '' for the one job that is being served, from its claim to
-- its end, and the job's own id for those that wait: so a target's first row is
-- who may be served, ids grow with the time of acceptance, and the unique key
-- lets one be served at a time. found marks a target that its job came upon
-- while at work: it is let go on its own.
CREATE TABLE IF NOT EXISTS turns (
    job_id VARBINARY(36)  NOT NULL,
    target VARBINARY(512) NOT NULL,
    place  VARBINARY(36)  NOT NULL,
    found  TINYINT        NOT NULL,
    PRIMARY KEY (job_id, target),
    UNIQUE INDEX turns_place (target, place),
    CONSTRAINT turns_own_place CHECK (place IN ('', job_id)),
    CONSTRAINT turns_of FOREIGN KEY (job_id) REFERENCES jobs (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Each step may be met again after a start that was cut short.
SET @change = IF(EXISTS (SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'target_locks'),
    'RENAME TABLE target_locks TO old_target_locks, job_targets TO old_job_targets', 'DO 0');
PREPARE change_once FROM @change;
EXECUTE change_once;

-- IGNORE: the rows may have been copied already. They come from tables that
-- refuse whatever this one does.
SET @change = IF((SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name IN ('old_target_locks', 'old_job_targets')) = 2,
    'INSERT IGNORE INTO turns (job_id, target, place, found)
        SELECT mine.job_id, mine.target, IF(held.job_id IS NULL, mine.job_id, ''''), 0
        FROM old_job_targets mine LEFT JOIN old_target_locks held ON held.target = mine.target AND held.job_id = mine.job_id
        UNION ALL
        SELECT held.job_id, held.target, '''', 1
        FROM old_target_locks held LEFT JOIN old_job_targets mine ON mine.target = held.target AND mine.job_id = held.job_id
        WHERE mine.job_id IS NULL', 'DO 0');
PREPARE change_once FROM @change;
EXECUTE change_once;

DROP TABLE IF EXISTS old_target_locks;
DROP TABLE IF EXISTS old_job_targets;

-- stage keeps together what is looked for together: the jobs that workers look
-- through, those that wait for somebody, and what has ended, by how, each in the
-- order of acceptance. A job is moved once in it, when it ends: to move an entry
-- of an index costs more than to change a row.
SET @change = IF(EXISTS (SELECT 1 FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'jobs' AND column_name = 'stage'),
    'DO 0', 'ALTER TABLE jobs
        DROP INDEX jobs_live, DROP COLUMN live,
        ADD COLUMN stage VARBINARY(32) GENERATED ALWAYS AS (CASE WHEN status IN (''accepted'', ''processing'', ''retrying'') THEN ''live'' ELSE status END) STORED,
        ADD INDEX jobs_stage (stage, accepted_at, id),
        ADD COLUMN room VARBINARY(255) NOT NULL DEFAULT ''''');
PREPARE change_once FROM @change;
EXECUTE change_once;

-- room is space in a new job's row for what its claim and its end will write: a
-- row that grows does not fit into its page any more, and to split a page costs
-- more than all else an end does.
ALTER TABLE jobs ALTER COLUMN room SET DEFAULT '                                                                                                                                                                                                                                                ';

SET @change = IF(EXISTS (SELECT 1 FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name = 'jobs' AND index_name = 'jobs_ended'),
    'DROP INDEX jobs_ended ON jobs', 'DO 0');
PREPARE change_once FROM @change;
EXECUTE change_once;
DEALLOCATE PREPARE change_once;
