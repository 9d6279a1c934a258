package main

import (
	"context"
	"net/http"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// serveEcho is the floor: what mcp-go itself needs for a call.
func serveEcho(where string) error {
	s := server.NewMCPServer("echo", "1", server.WithToolCapabilities(false))
	tool := mcp.NewTool("echo", mcp.WithString("text", mcp.Required()))
	s.AddTool(tool, func(_ context.Context, call mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return mcp.NewToolResultText(call.GetString("text", "")), nil
	})
	if where == "stdio" {
		return server.ServeStdio(s)
	}
	handler := server.NewStreamableHTTPServer(s, server.WithStateLess(true))
	host := &http.Server{Addr: where, Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	return host.ListenAndServe()
}
