-- +goose Up

-- What has ended, by how it ended and in the order it was accepted: retention
-- begins at its old end, an operator's list at its new one.
CREATE INDEX jobs_ended ON jobs (status, accepted_at, id);
