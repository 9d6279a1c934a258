package queue

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
)

func jobIDs(entries []entry) []string {
	var ids []string
	for _, e := range entries {
		ids = append(ids, e.jobID)
	}
	return ids
}

func announce(t *testing.T, q *Queue, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if err := q.Announce(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
}

// receiveAll reads until count announcements have come.
func receiveAll(t *testing.T, q *Queue, count int) []entry {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	var all []entry
	for len(all) < count {
		entries, err := q.receive(ctx, count-len(all))
		if err != nil {
			t.Fatalf("after %v: %v", jobIDs(all), err)
		}
		all = append(all, entries...)
	}
	return all
}

func TestAnnouncementsReachOneWorkerEach(t *testing.T) {
	eachRedis(t, func(t *testing.T, b backend) {
		first, second := b.open(t, Options{Node: "first"}), b.open(t, Options{Node: "second"})
		announce(t, first, "a", "b", "c") // before any group exists
		got := jobIDs(receiveAll(t, first, 2))
		got = append(got, jobIDs(receiveAll(t, second, 1))...)
		if diff := cmp.Diff([]string{"a", "b", "c"}, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestSettledAnnouncementLeavesTheStream(t *testing.T) {
	eachRedis(t, func(t *testing.T, b backend) {
		q := b.open(t, Options{})
		announce(t, q, "a")
		q.settle(t.Context(), receiveAll(t, q, 1)[0].id)
		if n := q.redis.XLen(t.Context(), q.stream()).Val(); n != 0 {
			t.Errorf("%d entries are left", n)
		}
		if n := pendingEntries(t, q); n != 0 {
			t.Errorf("%d entries are pending", n)
		}
	})
}

func TestStreamIsBoundedWithoutWorkers(t *testing.T) {
	eachRedis(t, func(t *testing.T, b backend) {
		q := b.open(t, Options{})
		for range jobsKept/100 + 5 {
			pipe := q.redis.Pipeline()
			for range 100 {
				pipe.XAdd(t.Context(), &redis.XAddArgs{Stream: q.stream(), Values: []string{jobField, "old"}})
			}
			if _, err := pipe.Exec(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		announce(t, q, "new")
		// Redis cuts off whole nodes of a hundred entries only.
		if n := q.redis.XLen(t.Context(), q.stream()).Val(); n > jobsKept+100 {
			t.Errorf("the stream holds %d entries", n)
		}
	})
}

func TestGroupIsMadeAnewAfterALoss(t *testing.T) {
	eachRedis(t, func(t *testing.T, b backend) {
		q := b.open(t, Options{})
		announce(t, q, "before")
		receiveAll(t, q, 1)
		if err := q.redis.Del(t.Context(), q.stream()).Err(); err != nil {
			t.Fatal(err)
		}
		announce(t, q, "after")
		if _, _, err := q.reclaim(t.Context(), 0, firstCursor, 10); err != nil {
			t.Errorf("reclaiming from a lost group: %v", err)
		}
		if diff := cmp.Diff([]string{"after"}, jobIDs(receiveAll(t, q, 1))); diff != "" {
			t.Error(diff)
		}
	})
}

func TestMalformedAnnouncementsAreDropped(t *testing.T) {
	eachRedis(t, func(t *testing.T, b backend) {
		log := &logBook{}
		q := b.open(t, Options{Logger: log.logger(slog.LevelWarn)})
		for _, values := range [][]string{{"other", "secret"}, {jobField, ""}, {jobField, strings.Repeat("x", longestJobID+1)}} {
			if err := q.redis.XAdd(t.Context(), &redis.XAddArgs{Stream: q.stream(), Values: values}).Err(); err != nil {
				t.Fatal(err)
			}
		}
		announce(t, q, "good")
		if diff := cmp.Diff([]string{"good"}, jobIDs(receiveAll(t, q, 1))); diff != "" {
			t.Error(diff)
		}
		if n := pendingEntries(t, q); n != 1 {
			t.Errorf("%d entries are pending, want the good one only", n)
		}
		if n := log.count("without a job id is dropped"); n != 3 {
			t.Errorf("%d drops were logged:\n%s", n, log)
		}
		if strings.Contains(log.String(), "secret") {
			t.Error("the log shows what a stranger wrote")
		}
	})
}

func TestReclaimTakesOverPageByPage(t *testing.T) {
	eachRedis(t, func(t *testing.T, b backend) {
		dead, heir := b.open(t, Options{Node: "dead"}), b.open(t, Options{Node: "heir"})
		announce(t, dead, "a", "b", "c")
		receiveAll(t, dead, 3)

		var got []string
		cursor := firstCursor
		for page := 0; page == 0 || cursor != firstCursor; page++ {
			entries, next, err := heir.reclaim(t.Context(), 0, cursor, 2)
			if err != nil {
				t.Fatal(err)
			}
			got, cursor = append(got, jobIDs(entries)...), next
		}
		if diff := cmp.Diff([]string{"a", "b", "c"}, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestReclaimLeavesFreshAnnouncementsAlone(t *testing.T) {
	eachRedis(t, func(t *testing.T, b backend) {
		busy, other := b.open(t, Options{Node: "busy"}), b.open(t, Options{Node: "other"})
		announce(t, busy, "a")
		receiveAll(t, busy, 1)
		entries, _, err := other.reclaim(t.Context(), deadline, firstCursor, 10)
		if err != nil || len(entries) != 0 {
			t.Errorf("reclaimed %v, %v", entries, err)
		}
	})
}

func TestReclaimPassesOverEntriesCutOffTheStream(t *testing.T) {
	eachRedis(t, func(t *testing.T, b backend) {
		dead, heir := b.open(t, Options{Node: "dead"}), b.open(t, Options{Node: "heir"})
		announce(t, dead, "cut", "kept")
		entries := receiveAll(t, dead, 2)
		if err := dead.redis.XDel(t.Context(), dead.stream(), entries[0].id).Err(); err != nil {
			t.Fatal(err)
		}
		got, cursor, err := heir.reclaim(t.Context(), 0, firstCursor, 10)
		if err != nil || cursor != firstCursor {
			t.Fatalf("cursor %q, %v", cursor, err)
		}
		if diff := cmp.Diff([]string{"kept"}, jobIDs(got)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestForgetRemovesIdleWorkersThatHoldNothing(t *testing.T) {
	eachRedis(t, func(t *testing.T, b backend) {
		self := b.open(t, Options{Node: "self"})
		idle, holder := b.open(t, Options{Node: "idle"}), b.open(t, Options{Node: "holder"})
		announce(t, self, "settled", "held", "own")
		idle.settle(t.Context(), receiveAll(t, idle, 1)[0].id)
		receiveAll(t, holder, 1)
		self.settle(t.Context(), receiveAll(t, self, 1)[0].id)

		if err := self.forget(t.Context(), deadline); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"holder", "idle", "self"}, workers(t, self)); diff != "" {
			t.Errorf("nobody was idle for long: %s", diff)
		}
		if err := self.forget(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		if !b.tellsIdle {
			return
		}
		if diff := cmp.Diff([]string{"holder", "self"}, workers(t, self)); diff != "" {
			t.Error(diff)
		}
	})
}

func workers(t *testing.T, q *Queue) []string {
	t.Helper()
	consumers, err := q.redis.XInfoConsumers(t.Context(), q.stream(), workerGroup).Result()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range consumers {
		names = append(names, c.Name)
	}
	return names
}
