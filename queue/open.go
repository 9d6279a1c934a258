package queue

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/prestashop-bridge/bridge/bridge"
)

// Queue is the bridge's use of one Redis.
type Queue struct {
	redis     *redis.Client
	link      *link
	visits    *visits
	embedded  *embedded // nil with a Redis of the operator's
	windows   *localWindows
	buckets   *localBuckets
	prefix    string
	node      string
	replayTTL time.Duration
	limits    map[bridge.RateClass]int
	patience  time.Duration
	logger    *slog.Logger
}

// The ports this package implements.
var (
	_ bridge.Transport   = (*Queue)(nil)
	_ bridge.ReplayCache = (*Queue)(nil)
	_ bridge.Limiter     = (*Queue)(nil)
)

// Options are what a Queue can be told; every zero value has a default.
type Options struct {
	KeyPrefix string                   // before every key; "bridge:"
	Node      string                   // this process among the workers; host, pid and a random tail
	ReplayTTL time.Duration            // how long a replay's answer is kept; 24 h
	Limits    map[bridge.RateClass]int // requests per client in a minute; absent, zero or negative: no limit
	Patience  time.Duration            // longest wait for one answer of Redis; 900 ms
	Logger    *slog.Logger             // nowhere
	Now       func() time.Time         // time.Now; drives the embedded TTLs and the in-process rate windows
}

func (o Options) withDefaults() Options {
	if o.KeyPrefix == "" {
		o.KeyPrefix = "bridge:"
	}
	if o.Node == "" {
		host, _ := os.Hostname()
		o.Node = fmt.Sprintf("%s-%d-%s", host, os.Getpid(), rand.Text()[:6])
	}
	o.ReplayTTL = positive(o.ReplayTTL, 24*time.Hour)
	o.Patience = positive(o.Patience, 900*time.Millisecond)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

func positive[T int | time.Duration](set, otherwise T) T {
	if set > 0 {
		return set
	}
	return otherwise
}

// errDSN names no part of the DSN on purpose: a misplaced character can turn
// the password into what the parser takes for a host, a port or a path.
var errDSN = errors.New("the Redis DSN must look like redis://[user:password@]host[:port][/database], or rediss:// for TLS")

// Open connects to the Redis of the DSN, or starts one in this process when
// the DSN is empty. A Redis that does not answer is no error here: it may come
// later, and the bridge accepts and works without it as the contract says.
func Open(ctx context.Context, redisDSN string, o Options) (*Queue, error) {
	o = o.withDefaults()
	if redisDSN == "" {
		return openEmbedded(ctx, o)
	}
	if !strings.HasPrefix(redisDSN, "redis://") && !strings.HasPrefix(redisDSN, "rediss://") {
		return nil, errDSN
	}
	settings, err := redis.ParseURL(redisDSN)
	if err != nil {
		return nil, errDSN
	}
	return assemble(ctx, settings, o), nil
}

func openEmbedded(ctx context.Context, o Options) (*Queue, error) {
	e, err := startEmbedded(o.Now)
	if err != nil {
		return nil, fmt.Errorf("starting the embedded Redis: %w", err)
	}
	q := assemble(ctx, e.settings(), o)
	q.embedded = e
	return q, nil
}

func assemble(ctx context.Context, settings *redis.Options, o Options) *Queue {
	// The library has one logger for the whole process and writes a line to
	// stderr for every failed dial; the link logs each change of state instead.
	redis.SetLogger(libraryLog{o.Logger})
	client := redis.NewClient(tuned(settings, o.Patience))
	q := &Queue{
		redis:     client,
		link:      &link{logger: o.Logger},
		visits:    &visits{redis: client, patience: o.Patience},
		windows:   &localWindows{now: o.Now, open: map[string]localWindow{}},
		buckets:   &localBuckets{now: o.Now, empty: map[string]time.Time{}},
		prefix:    o.KeyPrefix,
		node:      o.Node,
		replayTTL: o.ReplayTTL,
		limits:    o.Limits,
		patience:  o.Patience,
		logger:    o.Logger,
	}
	_ = q.Ready(ctx) // so that an absent Redis stands in the log from the start
	return q
}

// tuned makes a client give up fast. One retry is for pooled connections that
// died with a restarted server; Patience bounds the call whatever happens.
func tuned(settings *redis.Options, patience time.Duration) *redis.Options {
	settings.ContextTimeoutEnabled = true // off by default, and then a deadline does not end a blocking read
	settings.DialTimeout = patience / 2
	settings.ReadTimeout = patience / 2
	settings.WriteTimeout = patience / 2
	settings.PoolTimeout = patience
	settings.MaxRetries = 1
	settings.DialerRetries = 1
	settings.PoolSize = max(settings.PoolSize, 32) // a blocking reader holds a connection for itself
	settings.PipelinePoolSize = -1                 // two commands at a time need no pool of large buffers
	settings.DisableIdentity = true
	settings.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return settings
}

// Ready asks Redis for an answer.
func (q *Queue) Ready(ctx context.Context) error {
	return unavailable(q.call(ctx, func(ctx context.Context) error {
		return q.redis.Ping(ctx).Err()
	}))
}

// Answers reports whether Redis answered when it was last asked.
func (q *Queue) Answers() bool {
	away, _ := q.link.away()
	return !away
}

// Close ends all connections, and the embedded Redis with all it holds. Runners
// must have returned before.
func (q *Queue) Close() error {
	err := q.redis.Close()
	q.visits.wait()
	if q.embedded != nil {
		q.embedded.close()
	}
	return err
}

func (q *Queue) call(ctx context.Context, f func(context.Context) error) error {
	return q.link.through(ctx, q.patience, f)
}

// visit asks a question that may share its round trip.
func (q *Queue) visit(ctx context.Context, ask question) error {
	return q.call(ctx, func(ctx context.Context) error { return q.visits.share(ctx, ask) })
}

// key names a value that belongs to texts from outside. They are hashed, each
// with its length, so that no choice of ids can point at another client's key.
func (q *Queue) key(kind string, parts ...string) string {
	sum := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(sum, "%d:%s,", len(part), part)
	}
	return q.prefix + kind + ":" + hex.EncodeToString(sum.Sum(nil))
}

// unavailable is how the hub hears of a Redis that did not do as asked.
func unavailable(cause error) error {
	if cause == nil {
		return nil
	}
	fault := bridge.Fault(bridge.CodeQueueUnavailable, cause, "The queue does not answer.")
	fault.RetryAfter = 2 * time.Second
	return fault
}

type libraryLog struct{ logger *slog.Logger }

// Printf implements go-redis's logger.
func (l libraryLog) Printf(ctx context.Context, format string, args ...any) {
	l.logger.DebugContext(ctx, fmt.Sprintf(format, args...))
}
