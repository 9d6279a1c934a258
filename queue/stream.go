package queue

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	jobsStream  = "jobs"
	workerGroup = "workers"
	jobField    = "job"

	// jobsKept bounds the stream when no worker reads it. What is cut off is
	// still in the database, where the sweep finds it.
	jobsKept = 10_000

	// readBlock is short because a read that waits does not notice that its
	// context has been cancelled.
	readBlock = 250 * time.Millisecond

	longestJobID = 64
)

// entry is one announcement; one without id comes from the sweep.
type entry struct {
	id    string
	jobID string
}

func (e entry) source() Source {
	if e.id == "" {
		return FromSweep
	}
	return FromStream
}

// Announce tells the workers of an accepted job. An error costs the job a part
// of a second at most: the sweep finds it.
func (q *Queue) Announce(ctx context.Context, jobID string) error {
	return unavailable(q.visit(ctx, func(pipe redis.Pipeliner) func() error {
		return pipe.XAdd(ctx, &redis.XAddArgs{
			Stream: q.stream(),
			MaxLen: jobsKept,
			Approx: true,
			Values: []string{jobField, jobID},
		}).Err
	}))
}

func (q *Queue) stream() string { return q.prefix + jobsStream }

// receive waits a moment for up to count announcements that no worker has had.
func (q *Queue) receive(ctx context.Context, count int) ([]entry, error) {
	if away, _ := q.link.away(); away {
		// A short question first: a blocking read would keep all others
		// waiting for the news.
		if err := q.Ready(ctx); err != nil {
			return nil, err
		}
	}
	var streams []redis.XStream
	err := q.link.through(ctx, readBlock+q.patience, func(ctx context.Context) (err error) {
		streams, err = q.redis.XReadGroup(ctx, &redis.XReadGroupArgs{
			Group:    workerGroup,
			Consumer: q.node,
			Streams:  []string{q.stream(), ">"},
			Count:    int64(count),
			Block:    readBlock,
		}).Result()
		return q.regrouped(ctx, err)
	})
	if err != nil || len(streams) == 0 {
		return nil, err
	}
	return q.wellFormed(ctx, streams[0].Messages), nil
}

// reclaim takes over announcements that another worker, or this one before a
// restart, has had for longer than idle without settling them. It goes on from
// cursor and gives the next one; "0-0" is both the first and the last.
// Entries that were cut off the stream meanwhile have no content any more:
// Redis 7 takes them out of the group itself, older ones answer nil for them.
func (q *Queue) reclaim(ctx context.Context, idle time.Duration, cursor string, count int) ([]entry, string, error) {
	var messages []redis.XMessage
	err := q.call(ctx, func(ctx context.Context) (err error) {
		messages, cursor, err = q.redis.XAutoClaim(ctx, &redis.XAutoClaimArgs{
			Stream:   q.stream(),
			Group:    workerGroup,
			Consumer: q.node,
			MinIdle:  idle,
			Start:    cursor,
			Count:    int64(count),
		}).Result()
		return q.regrouped(ctx, err)
	})
	if err != nil || cursor == "" {
		cursor = firstCursor
	}
	return q.wellFormed(ctx, messages), cursor, err
}

const firstCursor = "0-0"

// regrouped makes the group anew when a read finds that it has gone, with a
// restart or a FLUSHALL; it begins at the stream's start, so that what was
// announced in between is seen. An empty read is no error.
func (q *Queue) regrouped(ctx context.Context, err error) error {
	switch {
	case redis.HasErrorPrefix(err, "NOGROUP"), redis.HasErrorPrefix(err, "UNBLOCKED"):
		err = q.redis.XGroupCreateMkStream(ctx, q.stream(), workerGroup, "0").Err()
		if redis.HasErrorPrefix(err, "BUSYGROUP") {
			return nil // another node was faster
		}
		return err
	case errors.Is(err, redis.Nil):
		return nil
	}
	return err
}

// wellFormed settles what no worker could use, so that it is not handed out
// for ever. Contents are not logged: who can write there can write anything.
func (q *Queue) wellFormed(ctx context.Context, messages []redis.XMessage) []entry {
	entries := make([]entry, 0, len(messages))
	for _, m := range messages {
		jobID, _ := m.Values[jobField].(string)
		if jobID == "" || len(jobID) > longestJobID {
			q.logger.WarnContext(ctx, "an announcement without a job id is dropped", "entry", m.ID)
			q.settle(ctx, m.ID)
			continue
		}
		entries = append(entries, entry{id: m.ID, jobID: jobID})
	}
	return entries
}

// settle takes an announcement off the stream. One that stays there because
// this fails is handed out once more, and then the claim refuses the job.
func (q *Queue) settle(ctx context.Context, entryID string) {
	_ = q.visit(ctx, func(pipe redis.Pipeliner) func() error {
		answers := transaction(ctx, pipe, []any{"xack", q.stream(), workerGroup, entryID}, []any{"xdel", q.stream(), entryID})
		return func() error {
			_, err := answers()
			return err
		}
	})
}

// forget removes workers that have not read for longer than idle and hold
// nothing: every restart brings a new name. The embedded Redis does not know
// how long a worker has been idle, and never has more than this one.
func (q *Queue) forget(ctx context.Context, idle time.Duration) error {
	return q.call(ctx, func(ctx context.Context) error {
		consumers, err := q.redis.XInfoConsumers(ctx, q.stream(), workerGroup).Result()
		if err != nil {
			return err
		}
		for _, c := range consumers {
			if c.Name == q.node || c.Pending > 0 || c.Idle < idle {
				continue
			}
			if err := q.redis.XGroupDelConsumer(ctx, q.stream(), workerGroup, c.Name).Err(); err != nil {
				return err
			}
		}
		return nil
	})
}
