package client

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/schemas"
)

// compressAbove is where the contract recommends gzip; a smaller body would
// often grow.
const compressAbove = 1024

// draft is a request that can be signed and sent any number of times.
type draft struct {
	method    string
	url       string
	requestID string
	body      []byte // as sent
	gzipped   bool
}

func (c *Client) draft(op bridge.Operation, requestID string, payload []byte) (draft, error) {
	d, err := c.plain(op, requestID, payload)
	if err != nil || len(d.body) <= compressAbove {
		return d, err
	}
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	// Writing to memory cannot fail.
	_, _ = writer.Write(d.body)
	_ = writer.Close()
	d.body, d.gzipped = packed.Bytes(), true
	return d, nil
}

// plain is a draft with the body as it is.
func (c *Client) plain(op bridge.Operation, requestID string, payload []byte) (draft, error) {
	path, err := pathOf(op, payload)
	if err != nil {
		return draft{}, err
	}
	d := draft{method: op.Method, url: strings.TrimRight(c.BaseURL, "/") + path, requestID: requestID}
	if op.Write {
		d.body = payload
	}
	return d, nil
}

// pathOf puts a read's one argument into the path of its operation.
func pathOf(op bridge.Operation, payload []byte) (string, error) {
	if op.Write {
		return op.Path, nil
	}
	doc, faults := schemas.Parse(payload)
	if len(faults) > 0 {
		return "", fmt.Errorf("payload of %s: %s", op.Name, faults[0].Message)
	}
	value, rest, found := doc.Take(op.PathKey)
	if left, _ := rest.Value().(map[string]any); !found || len(left) > 0 {
		return "", fmt.Errorf("payload of %s: the path carries %s and nothing else", op.Name, op.PathKey)
	}
	var text string
	switch value := value.(type) {
	case json.Number:
		text = value.String()
	case string:
		text = value
	}
	if text == "" {
		return "", fmt.Errorf("payload of %s: %s must be a number or a text", op.Name, op.PathKey)
	}
	return strings.Replace(op.Path, "{"+op.PathKey+"}", url.PathEscape(text), 1), nil
}

// sign makes the request as it goes over the wire: the URI that is signed is
// the one net/http will write.
func (c *Client) sign(ctx context.Context, d draft, token string) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, d.method, d.url, bytes.NewReader(d.body))
	if err != nil {
		return nil, err
	}
	timestamp := strconv.FormatInt(c.now().Unix(), 10)
	text := auth.StringToSign(d.method, request.URL.RequestURI(), timestamp, d.requestID, auth.BodyHash(d.body))
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("X-Request-ID", d.requestID)
	request.Header.Set("X-Timestamp", timestamp)
	request.Header.Set("X-Signature", auth.Sign(c.HMACSecret, text))
	request.Header.Set("Accept", "application/json")
	if len(d.body) > 0 {
		request.Header.Set("Content-Type", "application/json")
	}
	if d.gzipped {
		request.Header.Set("Content-Encoding", "gzip")
	}
	return request, nil
}
