package tools

import (
	"encoding/json"
	"io"
	"sync"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// session is the one client of a stdio conversation or of a stream, and the only
// way out to it: whole lines, one at a time. mcp-go's own stdio session is a global whose
// notifications a second goroutine writes, mostly after the result they belong
// to; here what is pending always goes out first.
type session struct {
	mu      sync.Mutex
	out     io.Writer
	pending chan mcp.JSONRPCNotification
}

var _ server.ClientSession = (*session)(nil)

func newSession(out io.Writer) *session {
	return &session{out: out, pending: make(chan mcp.JSONRPCNotification, 64)}
}

// SessionID tells the sessions registered with a server apart; none of these is.
func (s *session) SessionID() string { return "unregistered" }

// Initialize has nothing to remember.
func (s *session) Initialize() {}

// Initialized is always true: a notification only ever answers a request, and
// revision 2026-07-28 has no handshake to wait for.
func (s *session) Initialized() bool { return true }

// NotificationChannel takes what mcp-go sends to the client.
func (s *session) NotificationChannel() chan<- mcp.JSONRPCNotification { return s.pending }

// flush writes the pending notifications.
func (s *session) flush() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.flushLocked()
}

func (s *session) flushLocked() error {
	for {
		select {
		case n := <-s.pending:
			if err := s.writeLine(n); err != nil {
				return err
			}
		default:
			return nil
		}
	}
}

// write sends one message after whatever is pending.
func (s *session) write(message any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.flushLocked(); err != nil {
		return err
	}
	return s.writeLine(message)
}

func (s *session) writeLine(message any) error {
	text, err := json.Marshal(message)
	if err != nil {
		return err
	}
	_, err = s.out.Write(append(text, '\n'))
	return err
}
