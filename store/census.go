package store

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// Census counts the jobs that have not ended, and tells for how long the
// oldest of them has been due: since it was accepted, its pause is over or its
// worker's lease ran out. A job behind another for its target counts too. Ended
// jobs are not counted: there may be millions, in no index by status.
func (s *Store) Census(ctx context.Context) (bridge.Census, error) {
	census := bridge.Census{Jobs: map[schemas.JobStatus]int{}}
	rows, err := s.read.QueryContext(ctx, s.censusQuery())
	if err != nil {
		return census, s.fault(err)
	}
	defer rows.Close()
	for rows.Next() {
		var status string
		var count int
		var waiting int64
		if err := rows.Scan(&status, &count, &waiting); err != nil {
			return census, s.fault(err)
		}
		census.Jobs[schemas.JobStatus(status)] = count
		census.Waiting = max(census.Waiting, time.Duration(waiting)*time.Microsecond)
	}
	return census, s.fault(rows.Err())
}

func (s *Store) censusQuery() string {
	now := s.clock(s.now)
	return "SELECT j.status, COUNT(*), COALESCE(MAX(CASE WHEN j.claimable_at <= " + now + " THEN " + now +
		" - CASE WHEN j.claimable_at > j.accepted_at THEN j.claimable_at ELSE j.accepted_at END END), 0) FROM jobs j WHERE j.stage = 'live' GROUP BY j.status"
}

// Migrated reports tables that are older than this program wants. Newer ones
// are no fault: while nodes are upgraded one by one, the old ones go on.
func (s *Store) Migrated(ctx context.Context) error {
	newest, err := newestMigration(s.migrations)
	if err != nil {
		return err
	}
	var version int64
	if err := s.read.QueryRowContext(ctx, "SELECT COALESCE(MAX(version_id), 0) FROM "+versionTable).Scan(&version); err != nil {
		return s.fault(err)
	}
	if version < newest {
		return fmt.Errorf("store: the tables are at version %d, this program wants %d: run bridge migrate", version, newest)
	}
	return nil
}

// newestMigration is the highest number of a dialect's files.
func newestMigration(folder string) (newest int64, err error) {
	files, err := fs.ReadDir(migrations, folder)
	if err != nil {
		return 0, fmt.Errorf("store: %w", err)
	}
	for _, file := range files {
		number, _, _ := strings.Cut(path.Base(file.Name()), "_")
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("store: a migration without a number: %w", err)
		}
		newest = max(newest, n)
	}
	return newest, nil
}
