package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// link knows whether Redis answers. Without it every request would wait out
// the timeouts of an absent Redis before going on without it, and every try
// would stand in the log. While Redis is away calls are refused at once, but
// for one probe after each pause; pauses double up to a second.
type link struct {
	logger *slog.Logger

	mu      sync.Mutex
	cause   error // why Redis is away; nil while it answers
	pause   time.Duration
	retryAt time.Time
	probing bool
}

const (
	firstPause = 50 * time.Millisecond
	lastPause  = time.Second
)

// through runs f within patience if Redis is thought to answer, or if it is
// time to try again.
func (l *link) through(ctx context.Context, patience time.Duration, f func(context.Context) error) error {
	probe, err := l.enter()
	if err != nil {
		return err
	}
	bounded, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err = f(bounded)
	l.leave(ctx, probe, err)
	return err
}

func (l *link) enter() (probe bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cause == nil {
		return false, nil
	}
	if l.probing || time.Now().Before(l.retryAt) {
		return false, fmt.Errorf("not asked again yet: %w", l.cause)
	}
	l.probing = true
	return true, nil
}

func (l *link) leave(ctx context.Context, probe bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if probe {
		l.probing = false
	}
	switch {
	case answered(err):
		l.found(ctx)
	case ctx.Err() != nil: // the caller gave up, which says nothing about Redis
	default:
		l.lost(ctx, probe, err)
	}
}

func (l *link) found(ctx context.Context) {
	if l.cause != nil {
		l.logger.InfoContext(ctx, "Redis answers again")
	}
	l.cause, l.pause = nil, 0
}

func (l *link) lost(ctx context.Context, probe bool, err error) {
	if l.cause != nil && !probe {
		return // one of many calls that were under way when it went
	}
	if l.cause == nil {
		l.logger.WarnContext(ctx, "Redis does not answer; jobs come from the database alone until it does", "error", err)
	}
	l.cause = err
	l.pause = min(max(2*l.pause, firstPause), lastPause)
	l.retryAt = time.Now().Add(l.pause/2 + rand.N(l.pause/2))
}

// away reports whether Redis is known not to answer, and for how long it is
// left alone.
func (l *link) away() (bool, time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cause == nil {
		return false, 0
	}
	return true, max(time.Until(l.retryAt), firstPause/2)
}

// answered tells an answer from silence. A server that refuses one command is
// there; one that lets nobody in yet, or not us, is as good as away.
func answered(err error) bool {
	if err == nil || errors.Is(err, redis.Nil) {
		return true
	}
	var reply redis.Error
	if !errors.As(err, &reply) {
		return false
	}
	for _, closed := range []string{"LOADING", "NOAUTH", "WRONGPASS", "max number of clients"} {
		if redis.HasErrorPrefix(reply, closed) {
			return false
		}
	}
	return true
}
