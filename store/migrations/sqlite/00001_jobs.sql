-- +goose Up

-- One version is recorded once: of two programs that start together, the
-- second one's transaction fails as a whole instead of running twice.
CREATE UNIQUE INDEX schema_version_once ON schema_version (version_id);

-- claimable_at says from when a worker may take the job: 0 at once, the end of
-- the pause while retrying, the end of the lease while processing, and null
-- when nobody may take it.
CREATE TABLE jobs (
    id             TEXT    NOT NULL PRIMARY KEY,
    kind           TEXT    NOT NULL,
    client_id      TEXT    NOT NULL,
    request_id     TEXT    NOT NULL,
    batch_id       TEXT    NOT NULL,
    status         TEXT    NOT NULL,
    payload        TEXT    NOT NULL,
    targets        TEXT    NOT NULL,
    attempts       INTEGER NOT NULL,
    max_attempts   INTEGER NOT NULL,
    fence          INTEGER NOT NULL,
    node           TEXT    NOT NULL,
    claimable_at   INTEGER,
    live           INTEGER NOT NULL GENERATED ALWAYS AS (claimable_at IS NOT NULL) STORED,
    accepted_at    INTEGER NOT NULL,
    started_at     INTEGER,
    finished_at    INTEGER,
    progress_done  INTEGER NOT NULL,
    progress_total INTEGER NOT NULL,
    result         TEXT,
    error          TEXT,
    CONSTRAINT jobs_status CHECK (status IN ('awaiting_approval', 'accepted', 'processing', 'retrying',
        'succeeded', 'failed', 'needs_review', 'cancelled')),
    CONSTRAINT jobs_claimable CHECK ((claimable_at IS NOT NULL) = (status IN ('accepted', 'processing', 'retrying'))),
    CONSTRAINT jobs_attempts CHECK (attempts >= 0 AND max_attempts >= 1 AND fence >= 0)
);

-- Workers look for the oldest claimable job: live jobs lie together here in
-- the order they were accepted, however many finished ones are kept.
CREATE INDEX jobs_live ON jobs (live, id, claimable_at);

-- The journal: one row a shop call.
CREATE TABLE job_steps (
    job_id       TEXT    NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    unit         TEXT    NOT NULL,
    name         TEXT    NOT NULL,
    seq          INTEGER NOT NULL,
    target       TEXT    NOT NULL,
    state        TEXT    NOT NULL,
    sends        INTEGER NOT NULL,
    baseline     TEXT,
    before_value TEXT,
    after_value  TEXT,
    detail       TEXT    NOT NULL,
    error        TEXT,
    sent_at      INTEGER,
    done_at      INTEGER,
    PRIMARY KEY (job_id, unit, name)
) WITHOUT ROWID;

-- What a client's request id stands for.
CREATE TABLE idempotency (
    client_id  TEXT    NOT NULL,
    request_id TEXT    NOT NULL,
    intention  TEXT    NOT NULL,
    job_id     TEXT    NOT NULL REFERENCES jobs (id),
    created_at INTEGER NOT NULL,
    PRIMARY KEY (client_id, request_id)
) WITHOUT ROWID;
CREATE INDEX idempotency_job ON idempotency (job_id);

-- What a client's batch id stands for.
CREATE TABLE batches (
    client_id TEXT NOT NULL,
    batch_id  TEXT NOT NULL,
    intention TEXT NOT NULL,
    job_id    TEXT NOT NULL REFERENCES jobs (id),
    PRIMARY KEY (client_id, batch_id)
) WITHOUT ROWID;
CREATE INDEX batches_job ON batches (job_id);

-- The queue before each product or order: jobs stand in it from accepted to
-- terminal, in the order of their ids. A job awaiting approval joins it when
-- it is accepted.
CREATE TABLE job_targets (
    target TEXT NOT NULL,
    job_id TEXT NOT NULL REFERENCES jobs (id),
    PRIMARY KEY (target, job_id)
) WITHOUT ROWID;
CREATE INDEX job_targets_job ON job_targets (job_id);

-- Who is being served: one job at most holds a target, from its claim until it
-- is terminal.
CREATE TABLE target_locks (
    target TEXT NOT NULL PRIMARY KEY,
    job_id TEXT NOT NULL REFERENCES jobs (id)
) WITHOUT ROWID;
CREATE INDEX target_locks_job ON target_locks (job_id);
