package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

// shutdownGrace is how long running requests may take after SIGTERM.
const shutdownGrace = 20 * time.Second

// serveUntilDone serves until ctx ends, then lets running requests finish.
func serveUntilDone(ctx context.Context, server *http.Server, listener net.Listener) error {
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	err := server.Shutdown(grace)
	<-failed
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("some requests did not finish in time and were cut")
	}
	return err
}
