package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
)

var errCut = errors.New("connection refused")

func TestLinkRefusesAtOnceWhileRedisIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &logBook{}
		l := &link{logger: log.logger(slog.LevelInfo)}
		asked := 0
		ask := func(answer error) error {
			return l.through(t.Context(), time.Second, func(context.Context) error {
				asked++
				return answer
			})
		}
		for range 10_000 { // ten seconds
			if err := ask(errCut); !errors.Is(err, errCut) {
				t.Fatalf("the cause is lost: %v", err)
			}
			time.Sleep(time.Millisecond)
		}
		if asked < 12 || asked > 25 {
			t.Errorf("Redis was asked %d times in ten seconds of absence", asked)
		}
		time.Sleep(lastPause)
		if err := ask(nil); err != nil {
			t.Errorf("the probe: %v", err)
		}
		if err := ask(nil); err != nil {
			t.Errorf("after the probe: %v", err)
		}
		if lost, found := log.count("does not answer"), log.count("answers again"); lost != 1 || found != 1 {
			t.Errorf("lost was logged %d times, found %d times", lost, found)
		}
	})
}

func TestLinkSendsOneProbeAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &link{logger: slog.New(slog.DiscardHandler), cause: errCut}
		hold := make(chan struct{})
		first := make(chan error, 1)
		go func() {
			first <- l.through(t.Context(), time.Minute, func(context.Context) error {
				<-hold
				return nil
			})
		}()
		synctest.Wait()
		err := l.through(t.Context(), time.Minute, func(context.Context) error {
			t.Error("a second probe was sent")
			return nil
		})
		if !errors.Is(err, errCut) {
			t.Errorf("beside the probe: %v", err)
		}
		close(hold)
		if err := <-first; err != nil {
			t.Errorf("the probe: %v", err)
		}
		if away, _ := l.away(); away {
			t.Error("the probe's answer changed nothing")
		}
	})
}

func TestLinkBoundsEachCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &link{logger: slog.New(slog.DiscardHandler)}
		begin := time.Now()
		err := l.through(t.Context(), time.Second, silence)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		if away, _ := l.away(); !away {
			t.Error("silence was taken for an answer")
		}
	})
}

func TestCallerThatGivesUpSaysNothingAboutRedis(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, before := range []error{nil, errCut} {
			l := &link{logger: slog.New(slog.DiscardHandler), cause: before}
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			_ = l.through(ctx, time.Second, silence)
			cancel()
			if away, _ := l.away(); away != (before != nil) {
				t.Errorf("cause %v: away is now %v", before, away)
			}
			if l.probing {
				t.Error("the probe is still thought to be under way")
			}
		}
	})
}

func silence(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

type refusal string

func (r refusal) Error() string { return string(r) }
func (refusal) RedisError()     {}

func TestWhatCountsAsAnAnswer(t *testing.T) {
	for _, row := range []struct {
		err  error
		want bool
	}{
		{nil, true},
		{redis.Nil, true},
		{refusal("WRONGTYPE Operation against a key holding the wrong kind of value"), true},
		{refusal("OOM command not allowed when used memory > 'maxmemory'"), true},
		{refusal("READONLY You can't write against a read only replica."), true},
		{refusal("LOADING Redis is loading the dataset in memory"), false},
		{refusal("ERR max number of clients reached"), false},
		{fmt.Errorf("failed to authenticate: %w", refusal("WRONGPASS invalid username-password pair")), false},
		{refusal("NOAUTH Authentication required."), false},
		{errCut, false},
		{context.DeadlineExceeded, false},
	} {
		if got := answered(row.err); got != row.want {
			t.Errorf("%v: %v, want %v", row.err, got, row.want)
		}
	}
}
