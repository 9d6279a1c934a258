package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/prestashop-bridge/bridge/auth"
)

// sender sends signed requests to one server over connections of its own. It
// writes HTTP by hand: the generator shares the processors with what it
// measures, so it must cost little.
type sender struct {
	host  string
	token string
}

// newSender asks the server for a token.
func newSender(ctx context.Context, server, id, secret string) (*sender, error) {
	at, err := url.Parse(server)
	if err != nil {
		return nil, err
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, server+"/oauth/token", strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	var granted struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&granted); err != nil {
		return nil, fmt.Errorf("no token from %s: status %d: %w", server, answer.StatusCode, err)
	}
	if granted.AccessToken == "" {
		return nil, fmt.Errorf("no token from %s: status %d", server, answer.StatusCode)
	}
	return &sender{host: at.Host, token: granted.AccessToken}, nil
}

// request is a signed request as bytes.
func (s *sender) request(into *bytes.Buffer, method, uri string, body []byte, headers ...string) {
	id, now := uuid.NewString(), strconv.FormatInt(time.Now().Unix(), 10)
	signature := auth.Sign(hmacSecret, auth.StringToSign(method, uri, now, id, auth.BodyHash(body)))
	into.Reset()
	fmt.Fprintf(into, "%s %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nAccept: application/json\r\nX-Request-ID: %s\r\nX-Timestamp: %s\r\nX-Signature: %s\r\n",
		method, uri, s.host, s.token, id, now, signature)
	if method == http.MethodPost {
		fmt.Fprintf(into, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	for _, header := range headers {
		into.WriteString(header + "\r\n")
	}
	into.WriteString("\r\n")
	into.Write(body)
}

// line is one kept connection.
type line struct {
	net.Conn
	answers *bufio.Reader
}

func (s *sender) dial(ctx context.Context) (*line, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", s.host)
	if err != nil {
		return nil, err
	}
	return &line{conn, bufio.NewReader(conn)}, nil
}

// longestAnswer is how long the generator waits for one answer.
const longestAnswer = 30 * time.Second

// exchange sends a request and reads its answer to the end.
func (l *line) exchange(request []byte) (status int, body []byte, err error) {
	if err := l.SetDeadline(time.Now().Add(longestAnswer)); err != nil {
		return 0, nil, err
	}
	if _, err := l.Write(request); err != nil {
		return 0, nil, err
	}
	answer, err := http.ReadResponse(l.answers, nil)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	body, err = io.ReadAll(answer.Body)
	return answer.StatusCode, body, err
}

// product numbers the writes of a run: no two requests ask for the same.
var product atomic.Int64

// priceChange is a small write: no two have the same payload.
func priceChange(among int64) []byte {
	n := product.Add(1)
	id := n
	if among > 0 {
		id = 1 + n%among
	}
	return fmt.Appendf(nil, `{"product_id":%d,"updates":{"price_ht":%d.%02d}}`, id, 1+n/100%90_000, n%100)
}

const (
	updateURI = "/v1/jobs/products/update"
	importURI = "/v1/jobs/products/import"
)

// turn is what one contestant did in its turn.
type turn struct {
	accepted int // answered 202, warm-up included
	counted  int // within the window
	rate     float64
	p50, p99 float64 // milliseconds
	cost     float64 // the server's processor time a request, microseconds
	refused  map[int]int
}

// flood sends writes over c connections for a window and counts what was
// accepted in it. Each connection finishes the request it has begun, so that
// what the server has and what it has answered are the same.
func (s *sender) flood(ctx context.Context, server *process, c int, window time.Duration, among int64) (turn, error) {
	lines := make([]*line, c)
	for i := range lines {
		var err error
		if lines[i], err = s.dial(ctx); err != nil {
			return turn{}, err
		}
		defer lines[i].Close()
	}
	warm := min(window/4, 300*time.Millisecond)
	var mu sync.Mutex
	var all []time.Duration
	var failed error
	t := turn{refused: map[int]int{}}
	began := time.Now()
	from, until := began.Add(warm), began.Add(warm+window)
	before := server.processorTime()
	var sending sync.WaitGroup
	for _, l := range lines {
		sending.Go(func() {
			var request bytes.Buffer
			var times []time.Duration
			accepted, refused := 0, map[int]int{}
			var err error
			for err == nil && ctx.Err() == nil && time.Now().Before(until) {
				s.request(&request, http.MethodPost, updateURI, priceChange(among))
				sent := time.Now()
				status, answer, failed := l.exchange(request.Bytes())
				err = failed
				now := time.Now()
				switch {
				case err != nil:
				case status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable:
					refused[status]++
				case status != http.StatusAccepted:
					err = fmt.Errorf("status %d: %s", status, answer)
				default:
					accepted++
					if now.After(from) && now.Before(until) {
						times = append(times, now.Sub(sent))
					}
				}
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, times...)
			t.accepted += accepted
			failed = errors.Join(failed, err)
			for status, n := range refused {
				t.refused[status] += n
			}
		})
	}
	sending.Wait()
	took := milliseconds(all)
	t.counted, t.rate = len(all), float64(len(all))/window.Seconds()
	t.p50, t.p99 = took.quantile(0.5), took.quantile(0.99)
	t.cost = float64((server.processorTime()-before)/time.Microsecond) / float64(max(1, t.accepted))
	return t, errors.Join(failed, ctx.Err())
}
