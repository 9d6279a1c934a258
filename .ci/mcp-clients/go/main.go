// Command mcp-clients drives a bridge with the official Go SDK. It is a module
// of its own, so that the SDK never enters the bridge's.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

func main() {
	revision := flag.String("revision", "", "protocol revision to ask for; empty for the SDK's own choice")
	want := flag.String("want", "", "revision that must be negotiated")
	url := flag.String("url", "", "streamable HTTP endpoint; else the arguments are a command for stdio")
	token := flag.String("token", "", "bearer token")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := run(ctx, transport(*url, *token, flag.Args()), *revision, *want); err != nil {
		fmt.Fprintln(os.Stderr, "go-sdk:", err)
		os.Exit(1)
	}
}

type bearer string

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	if b != "" {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+string(b))
	}
	return http.DefaultTransport.RoundTrip(r)
}

func transport(url, token string, command []string) mcp.Transport {
	if url == "" {
		return &mcp.CommandTransport{Command: exec.Command(command[0], command[1:]...)}
	}
	return &mcp.StreamableClientTransport{Endpoint: url, HTTPClient: &http.Client{Transport: bearer(token)}}
}

func run(ctx context.Context, over mcp.Transport, revision, want string) error {
	client := mcp.NewClient(&mcp.Implementation{Name: "mcp-clients", Version: "1"}, nil)
	session, err := client.Connect(ctx, over, &mcp.ClientSessionOptions{ProtocolVersion: revision})
	if err != nil {
		return err
	}
	defer session.Close()
	if got := session.InitializeResult().ProtocolVersion; got != want {
		return fmt.Errorf("negotiated %s, want %s", got, want)
	}
	var names []string
	for tool, err := range session.Tools(ctx, nil) {
		if err != nil {
			return err
		}
		names = append(names, tool.Name)
	}
	wanted := strings.Split(os.Getenv("TOOLS"), ",")
	if !slices.Equal(names, wanted) {
		return fmt.Errorf("tools %v, want %v", names, wanted)
	}
	return follow(ctx, session)
}

// step is one call of the course that every client takes: see course.json.
type step struct {
	Tool      string
	Arguments map[string]any
	Want      map[string]any // members of the structured content
	IsError   bool
	Job       bool // the call's job is followed to its end
}

func follow(ctx context.Context, session *mcp.ClientSession) error {
	var steps []step
	if err := json.Unmarshal([]byte(os.Getenv("COURSE")), &steps); err != nil {
		return err
	}
	for _, s := range steps {
		got, err := call(ctx, session, s)
		if err != nil {
			return err
		}
		if s.Job {
			wait := step{Tool: "get_job_status", Arguments: map[string]any{"job_id": got["job_id"], "wait_seconds": 20}, Want: map[string]any{"business_success": true}}
			if _, err := call(ctx, session, wait); err != nil {
				return err
			}
		}
	}
	if _, err := session.CallTool(ctx, &mcp.CallToolParams{Name: "drop_database", Arguments: map[string]any{}}); err == nil {
		return fmt.Errorf("an unknown tool was called")
	}
	return nil
}

func call(ctx context.Context, session *mcp.ClientSession, s step) (map[string]any, error) {
	result, err := session.CallTool(ctx, &mcp.CallToolParams{Name: s.Tool, Arguments: s.Arguments})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Tool, err)
	}
	got, _ := result.StructuredContent.(map[string]any)
	if result.IsError != s.IsError {
		return nil, fmt.Errorf("%s: isError %t: %v", s.Tool, result.IsError, got)
	}
	for member, value := range s.Want {
		if fmt.Sprint(got[member]) != fmt.Sprint(value) {
			return nil, fmt.Errorf("%s: %s is %v, want %v in %v", s.Tool, member, got[member], value, got)
		}
	}
	return got, nil
}
