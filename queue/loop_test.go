package queue

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
)

func TestLoopCarriesWhatIsWrittenInOrder(t *testing.T) {
	here, there := newLoop()
	written := bytes.Repeat([]byte("0123456789"), 100_000)
	go func() {
		for part := range bytes.Lines(append(written, '\n')) {
			_, _ = here.Write(part)
		}
		_ = here.Close()
	}()
	read, err := io.ReadAll(there)
	if err != nil || !bytes.Equal(read, append(written, '\n')) {
		t.Errorf("%d bytes of %d, %v", len(read), len(written)+1, err)
	}
	if _, err := there.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("writing to a closed end: %v", err)
	}
}

func TestLoopReadsEndAtTheirDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := newLoop()
		begin := time.Now()
		_ = here.SetReadDeadline(begin.Add(time.Second))
		_, err := here.Read(make([]byte, 1))
		var late net.Error
		if !errors.As(err, &late) || !late.Timeout() || time.Since(begin) != time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		_, _ = there.Write([]byte("late"))
		if _, err := here.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("behind the deadline: %v", err)
		}
		_ = here.SetDeadline(time.Time{})
		if n, err := here.Read(make([]byte, 10)); n != 4 || err != nil {
			t.Errorf("without it: %d bytes, %v", n, err)
		}
	})
}

func TestLoopDeadlineReachesAReadUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, _ := newLoop()
		ended := make(chan error, 1)
		go func() {
			_, err := here.Read(make([]byte, 1))
			ended <- err
		}()
		synctest.Wait()
		_ = here.SetDeadline(time.Now())
		if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
	})
}

// TestLoopDoesNotStandStillWhenBothEndsWrite sends more than any buffer on the
// way holds before it reads the first answer.
func TestLoopDoesNotStandStillWhenBothEndsWrite(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		q := b.open(t, Options{})
		pipe := q.redis.Pipeline()
		for range 2000 {
			pipe.XAdd(t.Context(), &redis.XAddArgs{Stream: q.stream(), Values: []string{jobField, "018f0000-0000-7000-8000-0000000000aa"}})
		}
		begin := time.Now()
		if _, err := pipe.Exec(t.Context()); err != nil || time.Since(begin) != 0 {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
	})
}
