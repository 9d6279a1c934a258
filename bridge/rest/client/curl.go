package client

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// curlHeaders are the headers of a signed request in the order of the contract.
var curlHeaders = []string{"Authorization", "X-Request-ID", "X-Timestamp", "X-Signature", "Content-Type", "Accept"}

// maxCurlBody is where the bridge starts to demand gzip, which cannot be
// written on a command line.
const maxCurlBody = 32768

// Curl writes one signed curl command, ready to paste into a POSIX shell, for
// a demonstration. It fetches a token if there is none and does not call the
// operation. The command holds a token and works until the signature window
// closes, half a minute after it was made. An empty request id gets a new one.
func (c *Client) Curl(ctx context.Context, operation, requestID string, payload []byte) (string, error) {
	op, known := bridge.FindOperation(operation)
	if !known {
		return "", fmt.Errorf("there is no operation %s", operation)
	}
	if len(payload) > maxCurlBody {
		return "", fmt.Errorf("a payload above %d bytes must be compressed and does not fit a command line", maxCurlBody)
	}
	if requestID == "" {
		requestID = uuid.NewString()
	}
	requestID, err := schemas.ParseRequestID(requestID)
	if err != nil {
		return "", fmt.Errorf("request id: %w", err)
	}
	plain, err := c.plain(op, requestID, payload)
	if err != nil {
		return "", err
	}
	token, err := c.token(ctx)
	if err != nil {
		return "", err
	}
	request, err := c.sign(ctx, plain, token)
	if err != nil {
		return "", err
	}
	return command(request, plain.body), nil
}

// command spells the request. globoff and path-as-is keep curl from reading
// the URL in its own way, data-raw from reading a file where a body starts
// with @; each would send something else than was signed.
func command(request *http.Request, body []byte) string {
	lines := []string{"curl --silent --show-error --include --globoff --path-as-is --request " + request.Method + " " + quote(request.URL.String())}
	for _, name := range curlHeaders {
		if value := request.Header.Get(name); value != "" {
			lines = append(lines, "--header "+quote(name+": "+value))
		}
	}
	if len(body) > 0 {
		lines = append(lines, "--data-raw "+quote(string(body)))
	}
	return strings.Join(lines, " \\\n  ")
}

// quote makes one word of a POSIX shell: between single quotes nothing means
// anything, and a single quote is written outside them.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
