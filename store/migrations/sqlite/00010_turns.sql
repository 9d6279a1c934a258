-- +goose Up

-- Locks become rows of the queue, and the jobs' two indexes become one.

-- The queue before each product or order: jobs stand in it from accepted to
-- terminal. place is '' for the one job that is being served, from its claim to
-- its end, and the job's own id for those that wait: so a target's first row is
-- who may be served, ids grow with the time of acceptance, and the unique key
-- lets one be served at a time. found marks a target that its job came upon
-- while at work: it is let go on its own.
CREATE TABLE turns (
    job_id TEXT    NOT NULL REFERENCES jobs (id),
    target TEXT    NOT NULL,
    place  TEXT    NOT NULL,
    found  INTEGER NOT NULL,
    PRIMARY KEY (job_id, target),
    CONSTRAINT turns_own_place CHECK (place IN ('', job_id))
) WITHOUT ROWID;
CREATE UNIQUE INDEX turns_place ON turns (target, place);

INSERT INTO turns (job_id, target, place, found)
    SELECT mine.job_id, mine.target, CASE WHEN held.job_id IS NULL THEN mine.job_id ELSE '' END, 0
    FROM job_targets mine LEFT JOIN target_locks held ON held.target = mine.target AND held.job_id = mine.job_id
    UNION ALL
    SELECT held.job_id, held.target, '', 1
    FROM target_locks held LEFT JOIN job_targets mine ON mine.target = held.target AND mine.job_id = held.job_id
    WHERE mine.job_id IS NULL;
DROP TABLE target_locks;
DROP TABLE job_targets;

-- stage keeps together what is looked for together: the jobs that workers look
-- through, those that wait for somebody, and what has ended, by how, each in the
-- order of acceptance. A job is moved once in it, when it ends.
DROP INDEX jobs_live;
DROP INDEX jobs_ended;
ALTER TABLE jobs DROP COLUMN live;
ALTER TABLE jobs ADD COLUMN stage TEXT GENERATED ALWAYS AS (CASE WHEN status IN ('accepted', 'processing', 'retrying') THEN 'live' ELSE status END) VIRTUAL;
CREATE INDEX jobs_stage ON jobs (stage, accepted_at, id);

-- Space that MySQL needs in a new row; here it gains nothing and stays empty.
ALTER TABLE jobs ADD COLUMN room TEXT NOT NULL DEFAULT '';
