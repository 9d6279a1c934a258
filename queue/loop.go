package queue

import (
	"bytes"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// loop is one end of a connection inside this process. net.Pipe hands each
// write over to a read that waits for it, so that two ends that both write,
// as happens with a long pipeline, wait for each other; here writes never
// wait. What is kept is bounded by what the two speak: a client that waits for
// its answers, and the answers.
type loop struct{ in, out *stream }

var _ net.Conn = loop{}

// stream is one direction of a loop.
type stream struct {
	mu     sync.Mutex
	change sync.Cond // of held, closed or until
	held   bytes.Buffer
	closed bool
	until  time.Time // when reading fails; zero for never
}

// newLoop makes a connection and gives both its ends.
func newLoop() (here, there loop) {
	one, other := &stream{}, &stream{}
	one.change.L, other.change.L = &one.mu, &other.mu
	return loop{one, other}, loop{other, one}
}

// Read waits for something to read, the other end's Close or the deadline.
func (l loop) Read(p []byte) (int, error) { return l.in.read(p) }

// Write never waits.
func (l loop) Write(p []byte) (int, error) { return l.out.write(p) }

// Close ends both directions; what was written before can still be read.
func (l loop) Close() error {
	l.in.close()
	l.out.close()
	return nil
}

// SetDeadline is SetReadDeadline: no write could meet one.
func (l loop) SetDeadline(t time.Time) error { return l.SetReadDeadline(t) }

// SetReadDeadline holds for a Read that waits already, too.
func (l loop) SetReadDeadline(t time.Time) error {
	l.in.mu.Lock()
	defer l.in.mu.Unlock()
	l.in.until = t
	l.in.change.Broadcast()
	return nil
}

// SetWriteDeadline does nothing: no write could meet one.
func (l loop) SetWriteDeadline(time.Time) error { return nil }

// LocalAddr and RemoteAddr name no place: there is none to reach.
func (l loop) LocalAddr() net.Addr  { return nowhere{} }
func (l loop) RemoteAddr() net.Addr { return nowhere{} }

type nowhere struct{}

func (nowhere) Network() string { return "loop" }
func (nowhere) String() string  { return "loop" }

func (s *stream) read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.overdue():
			return 0, os.ErrDeadlineExceeded
		case s.held.Len() > 0 || len(p) == 0:
			return s.held.Read(p)
		case s.closed:
			return 0, io.EOF
		}
		s.wait()
	}
}

func (s *stream) overdue() bool { return !s.until.IsZero() && !time.Now().Before(s.until) }

// wait returns at the next change or at the deadline.
func (s *stream) wait() {
	if !s.until.IsZero() {
		defer time.AfterFunc(time.Until(s.until), s.wake).Stop()
	}
	s.change.Wait()
}

// wake takes the lock, or it could come before who waits has begun to.
func (s *stream) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.change.Broadcast()
}

func (s *stream) write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, io.ErrClosedPipe
	}
	s.change.Broadcast()
	return s.held.Write(p)
}

func (s *stream) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.change.Broadcast()
}
