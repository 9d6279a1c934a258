package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/schemas"
)

// signing is a request as bridge sign is told of it.
type signing struct {
	method, uri, requestID, timestamp string
	bodyFile, secretEnv, envFile      string
}

// sign shows what is signed and the signature, for whoever writes a handler
// and wants to know where the own one goes wrong. It calls nobody.
func sign(_ context.Context, p process) error {
	var s signing
	set := flags(p, "sign")
	set.StringVar(&s.method, "method", "GET", "HTTP method")
	set.StringVar(&s.uri, "uri", "", "path and query exactly as sent, such as /v1/products/123")
	set.StringVar(&s.requestID, "request-id", "", "X-Request-ID, a UUID v4; default a new one")
	set.StringVar(&s.timestamp, "timestamp", "", "X-Timestamp in unix seconds; default now")
	set.StringVar(&s.bodyFile, "body-file", "", "file with the body exactly as sent, - for stdin; default no body")
	set.StringVar(&s.secretEnv, "secret-env", "HMAC_SECRET_CURRENT", "name of the setting or environment variable that holds the secret")
	set.StringVar(&s.envFile, "env-file", "", "settings file (default .env.bridge when it exists)")
	if err := parse(p, set); err != nil {
		return err
	}
	if err := s.complete(); err != nil {
		return err
	}
	secret, err := s.secret(p)
	if err != nil {
		return err
	}
	body, err := s.body(p)
	if err != nil {
		return err
	}
	s.write(p.stdout, body, secret)
	return nil
}

var (
	methodForm = regexp.MustCompile(`^[A-Za-z]{1,16}$`)
	envForm    = regexp.MustCompile(`^[A-Z_][A-Z0-9_]*$`)
)

// complete checks what was given and fills in what was not.
func (s *signing) complete() error {
	s.method = strings.ToUpper(s.method)
	if !methodForm.MatchString(s.method) {
		return errors.New("--method must be an HTTP method such as POST")
	}
	if _, err := url.ParseRequestURI(s.uri); err != nil || !strings.HasPrefix(s.uri, "/") || strings.HasPrefix(s.uri, "//") || strings.ContainsAny(s.uri, " \r\n#") {
		return errors.New("--uri must be path and query exactly as sent, such as /v1/products/123: no scheme, no host, no fragment")
	}
	if s.requestID == "" {
		s.requestID = uuid.NewString()
	}
	id, err := schemas.ParseRequestID(s.requestID)
	if err != nil {
		return fmt.Errorf("--request-id: %w", err)
	}
	s.requestID = id
	now := time.Now()
	if s.timestamp == "" {
		s.timestamp = strconv.FormatInt(now.Unix(), 10)
	}
	if err := auth.CheckTimestamp(s.timestamp, now, 0); errors.Is(err, auth.ErrTimestampFormat) {
		return fmt.Errorf("--timestamp: %w", err)
	}
	return nil
}

// secret finds the key by its name. What does not look like a name is never
// repeated: somebody may have put the secret itself there.
func (s *signing) secret(p process) (string, error) {
	if !envForm.MatchString(s.secretEnv) {
		return "", errors.New("--secret-env wants the name of a variable, such as HMAC_SECRET_CURRENT; a secret itself never goes on a command line")
	}
	src, err := settingsSource(p.getenv, s.envFile)
	if err != nil {
		return "", err
	}
	if secret := src(s.secretEnv); secret != "" {
		return secret, nil
	}
	return "", fmt.Errorf("%s is set neither in the environment nor in the settings file", s.secretEnv)
}

func (s *signing) body(p process) ([]byte, error) {
	switch s.bodyFile {
	case "":
		return nil, nil
	case "-":
		return io.ReadAll(p.stdin)
	}
	body, err := os.ReadFile(s.bodyFile)
	if err != nil {
		return nil, fmt.Errorf("--body-file: %w", err)
	}
	return body, nil
}

// write shows the five signed lines, the same as one text with its line feeds
// visible, the signature and the headers to send.
func (s *signing) write(w io.Writer, body []byte, secret string) {
	text := auth.StringToSign(s.method, s.uri, s.timestamp, s.requestID, auth.BodyHash(body))
	signature := auth.Sign(secret, text)
	lines := strings.Split(text, "\n")
	fmt.Fprintf(w, "string to sign: %d lines joined by LF (0x0A), %d bytes, no LF at the end\n", len(lines), len(text))
	for i, name := range []string{"METHOD", "URI", "TIMESTAMP", "REQUEST_ID", "BODY_SHA256"} {
		end := "⏎"
		if i == len(lines)-1 {
			end = ""
		}
		fmt.Fprintf(w, "  %-11s  %s%s\n", name, lines[i], end)
	}
	fmt.Fprintf(w, "as one text:\n  %q\n", text)
	fmt.Fprintf(w, "body: %d bytes%s\n", len(body), bodyNote(body))
	fmt.Fprintf(w, "key: the ASCII bytes of %s as written, not decoded from hex\n", s.secretEnv)
	fmt.Fprintf(w, "\nX-Request-ID: %s\nX-Timestamp: %s\nX-Signature: %s\n", s.requestID, s.timestamp, signature)
}

// bodyNote names what most often makes two body hashes differ.
func bodyNote(body []byte) string {
	switch {
	case len(body) == 0:
		return "; no body hashes as the empty text"
	case body[len(body)-1] == '\n':
		return "; the last one is a line feed: send it, too, or sign without it"
	case len(body) > 1 && body[0] == 0x1f && body[1] == 0x8b:
		return "; gzip: the compressed bytes are signed, as they are sent"
	}
	return "; hashed exactly as they are"
}
