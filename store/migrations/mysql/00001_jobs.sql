-- +goose Up

-- Definitions commit one by one here, so each may be met again after a start
-- that was cut short: IF NOT EXISTS throughout.
--
-- Keys are VARBINARY: compared byte by byte, as SQLite does. Even the binary
-- text collations ignore trailing spaces, and two targets must never be taken
-- for one, nor two clients.

-- claimable_at says from when a worker may take the job: 0 at once, the end of
-- the pause while retrying, the end of the lease while processing, and null
-- when nobody may take it. live keeps the jobs that workers look through
-- together in one index, in the order they were accepted.
CREATE TABLE IF NOT EXISTS jobs (
    id             VARBINARY(36)  NOT NULL PRIMARY KEY,
    kind           VARBINARY(64)  NOT NULL,
    client_id      VARBINARY(255) NOT NULL,
    request_id     VARBINARY(36)  NOT NULL,
    batch_id       VARBINARY(64)  NOT NULL,
    status         VARBINARY(32)  NOT NULL,
    payload        LONGTEXT       NOT NULL,
    targets        LONGTEXT       NOT NULL,
    attempts       INT            NOT NULL,
    max_attempts   INT            NOT NULL,
    fence          BIGINT         NOT NULL,
    node           VARBINARY(255) NOT NULL,
    claimable_at   BIGINT,
    live           TINYINT GENERATED ALWAYS AS (claimable_at IS NOT NULL) STORED,
    accepted_at    BIGINT         NOT NULL,
    started_at     BIGINT,
    finished_at    BIGINT,
    progress_done  INT            NOT NULL,
    progress_total INT            NOT NULL,
    result         LONGTEXT,
    error          LONGTEXT,
    CONSTRAINT jobs_status CHECK (status IN ('awaiting_approval', 'accepted', 'processing', 'retrying',
        'succeeded', 'failed', 'needs_review', 'cancelled')),
    CONSTRAINT jobs_claimable CHECK ((claimable_at IS NOT NULL) = (status IN ('accepted', 'processing', 'retrying'))),
    CONSTRAINT jobs_attempts CHECK (attempts >= 0 AND max_attempts >= 1 AND fence >= 0),
    INDEX jobs_live (live, id, claimable_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The journal: one row a shop call.
CREATE TABLE IF NOT EXISTS job_steps (
    job_id       VARBINARY(36)  NOT NULL,
    unit         VARBINARY(64)  NOT NULL,
    name         VARBINARY(128) NOT NULL,
    seq          INT            NOT NULL,
    target       VARBINARY(512) NOT NULL,
    state        VARBINARY(16)  NOT NULL,
    sends        INT            NOT NULL,
    baseline     LONGTEXT,
    before_value LONGTEXT,
    after_value  LONGTEXT,
    detail       LONGTEXT       NOT NULL,
    error        LONGTEXT,
    sent_at      BIGINT,
    done_at      BIGINT,
    PRIMARY KEY (job_id, unit, name),
    CONSTRAINT job_steps_of FOREIGN KEY (job_id) REFERENCES jobs (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What a client's request id stands for.
CREATE TABLE IF NOT EXISTS idempotency (
    client_id  VARBINARY(255) NOT NULL,
    request_id VARBINARY(36)  NOT NULL,
    intention  VARBINARY(64)  NOT NULL,
    job_id     VARBINARY(36)  NOT NULL,
    created_at BIGINT         NOT NULL,
    PRIMARY KEY (client_id, request_id),
    INDEX idempotency_job (job_id),
    CONSTRAINT idempotency_of FOREIGN KEY (job_id) REFERENCES jobs (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What a client's batch id stands for.
CREATE TABLE IF NOT EXISTS batches (
    client_id VARBINARY(255) NOT NULL,
    batch_id  VARBINARY(64)  NOT NULL,
    intention VARBINARY(64)  NOT NULL,
    job_id    VARBINARY(36)  NOT NULL,
    PRIMARY KEY (client_id, batch_id),
    INDEX batches_job (job_id),
    CONSTRAINT batches_of FOREIGN KEY (job_id) REFERENCES jobs (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The queue before each product or order: jobs stand in it from accepted to
-- terminal, in the order of their ids. A job awaiting approval joins it when
-- it is accepted.
CREATE TABLE IF NOT EXISTS job_targets (
    target VARBINARY(512) NOT NULL,
    job_id VARBINARY(36)  NOT NULL,
    PRIMARY KEY (target, job_id),
    INDEX job_targets_job (job_id),
    CONSTRAINT job_targets_of FOREIGN KEY (job_id) REFERENCES jobs (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Who is being served: one job at most holds a target, from its claim until it
-- is terminal.
CREATE TABLE IF NOT EXISTS target_locks (
    target VARBINARY(512) NOT NULL PRIMARY KEY,
    job_id VARBINARY(36)  NOT NULL,
    INDEX target_locks_job (job_id),
    CONSTRAINT target_locks_of FOREIGN KEY (job_id) REFERENCES jobs (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
