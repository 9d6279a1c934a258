package main

import (
	"context"
	"database/sql"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
	"github.com/redis/go-redis/v9"
	_ "modernc.org/sqlite" // what the bridge reads with
)

// serveEcho is the floor: what mcp-go itself needs for a call. With reads each
// call also counts in Redis and reads one row by its key, which is the least
// that a tool needs whose answer is limited per client and read from a database.
func serveEcho(where string, reads bool) error {
	look := func(_ context.Context, text string) (string, error) { return text, nil }
	if reads {
		var err error
		if look, err = openReads(); err != nil {
			return err
		}
	}
	s := server.NewMCPServer("echo", "1", server.WithToolCapabilities(false))
	tool := mcp.NewTool("echo", mcp.WithString("text", mcp.Required()))
	s.AddTool(tool, func(ctx context.Context, call mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		text, err := look(ctx, call.GetString("text", ""))
		if err != nil {
			return nil, err
		}
		return mcp.NewToolResultText(text), nil
	})
	if where == "stdio" {
		return server.ServeStdio(s)
	}
	handler := server.NewStreamableHTTPServer(s, server.WithStateLess(true))
	host := &http.Server{Addr: where, Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	return host.ListenAndServe()
}

// openReads opens the parts of the embedded bridge, used as plainly as can be.
// The process is killed at the end; its folder is the run's.
func openReads() (func(context.Context, string) (string, error), error) {
	folder, err := os.MkdirTemp(os.Getenv("STATE_DIR"), "floor-")
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(folder, "floor.db")+"?_pragma=journal_mode(WAL)")
	if err != nil {
		return nil, err
	}
	const id = "018f0000-0000-7000-8000-0000000000aa"
	for _, statement := range []string{"CREATE TABLE jobs (id TEXT PRIMARY KEY, status TEXT NOT NULL)", "INSERT INTO jobs VALUES ('" + id + "', 'succeeded')"} {
		if _, err := db.Exec(statement); err != nil {
			return nil, err
		}
	}
	row, err := db.Prepare("SELECT status FROM jobs WHERE id = ?")
	if err != nil {
		return nil, err
	}
	counter := miniredis.NewMiniRedis()
	client := redis.NewClient(&redis.Options{Dialer: func(context.Context, string, string) (net.Conn, error) { return counter.Dial() }})
	return func(ctx context.Context, text string) (string, error) {
		if err := client.Incr(ctx, "calls").Err(); err != nil {
			return "", err
		}
		var status string
		err := row.QueryRowContext(ctx, text).Scan(&status)
		return text + " " + status, err
	}, nil
}
