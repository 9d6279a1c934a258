// Command gosdk connects the official Go SDK to a bridge by OAuth: it prints
// the URL a person must open, reads the query that came back to the redirect
// URI from standard input, and calls a tool. It is a module of its own, so that
// the SDK is no dependency of the bridge.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/modelcontextprotocol/go-sdk/oauthex"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 4 {
		log.Fatal("usage: gosdk MCP_URL CLIENT_ID REDIRECT_URI")
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := run(ctx, os.Args[1], os.Args[2], os.Args[3]); err != nil {
		log.Fatal("gosdk: ", err)
	}
}

func run(ctx context.Context, endpoint, clientID, redirectURI string) error {
	config := &auth.AuthorizationCodeHandlerConfig{RedirectURL: redirectURI, AuthorizationCodeFetcher: fetchCode}
	if strings.HasPrefix(clientID, "https://") {
		config.ClientIDMetadataDocumentConfig = &auth.ClientIDMetadataDocumentConfig{URL: clientID}
	} else {
		config.PreregisteredClient = &oauthex.ClientCredentials{ClientID: clientID}
	}
	handler, err := auth.NewAuthorizationCodeHandler(config)
	if err != nil {
		return err
	}
	client := mcp.NewClient(&mcp.Implementation{Name: "gosdk", Version: "1"}, nil)
	session, err := client.Connect(ctx, &mcp.StreamableClientTransport{Endpoint: endpoint, OAuthHandler: handler}, nil)
	if err != nil {
		return err
	}
	defer session.Close()
	result, err := session.CallTool(ctx, &mcp.CallToolParams{Name: "get_product", Arguments: map[string]any{"product_id": 1}})
	if err != nil {
		return err
	}
	if result.IsError || result.StructuredContent == nil {
		return fmt.Errorf("get_product answered %+v", result)
	}
	return nil
}

func fetchCode(_ context.Context, args *auth.AuthorizationArgs) (*auth.AuthorizationResult, error) {
	fmt.Println(args.URL)
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil {
		return nil, err
	}
	query, err := url.ParseQuery(strings.TrimSpace(line))
	if err != nil {
		return nil, err
	}
	if query.Has("error") {
		return nil, errors.New(query.Get("error"))
	}
	return &auth.AuthorizationResult{Code: query.Get("code"), State: query.Get("state"), Iss: query.Get("iss")}, nil
}
