package main

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"
)

// A node that starts before its database waits for it, and stops waiting when
// it is told to stop.
func TestStartWaitsForTheDatabase(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := taken.Addr().String()
	if err := taken.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	var log bytes.Buffer
	began := time.Now()
	_, err = awaitStore(ctx, config{stateDir: t.TempDir(), databaseURL: "mysql://root@" + address + "/bridge"}, slog.New(slog.NewTextHandler(&log, nil)))
	if err == nil || time.Since(began) < 400*time.Millisecond {
		t.Errorf("gave up after %v: %v", time.Since(began), err)
	}
	if strings.Count(log.String(), "waiting for it") != 1 {
		t.Errorf("log:\n%s", &log)
	}
	if _, err := awaitStore(t.Context(), config{stateDir: t.TempDir(), databaseURL: "postgres://x"}, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("an unknown database was waited for")
	}
}
