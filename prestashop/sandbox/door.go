package sandbox

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// largestBody is the size of request the shop refuses.
const largestBody = 16 << 20

// ServeHTTP serves the whole shop: the webservice below /api, a few pictures
// below /img/demo, and a home page.
func (s *Shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer s.crowd.enter()()
	if s.faults.isDown() {
		cutOff(w)
		return
	}
	path, isAPI := apiPath(r)
	if !isAPI {
		front(w, r)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, largestBody))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			http.Error(w, "413 Request Entity Too Large", http.StatusRequestEntityTooLarge)
			return
		}
		cutOff(w) // the client went away in the middle of its request
		return
	}
	in := &incoming{method: r.Method, path: path, query: r.URL.RawQuery, header: r.Header, host: r.Host, body: body}
	resource, _, _ := strings.Cut(path, "/")
	logged := Request{Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Resource: resource, Body: body, Time: s.now()}
	action := s.faults.pick(logged)
	logged.Fault = action.name
	s.act(w, r, in, action, s.effects.received(logged))
}

// act carries a request through the stages of an action.
func (s *Shop) act(w http.ResponseWriter, r *http.Request, in *incoming, action Action, done func(applied, status int)) {
	st := action.stage
	// A late execution does not care whether its client is still there.
	if st.before && !s.wait(context.WithoutCancel(r.Context()), action.wait) {
		cutOff(w)
		return
	}
	var hold func()
	if st.within {
		hold = func() { s.wait(context.WithoutCancel(r.Context()), action.wait) }
	}
	var out answer
	for range st.execute {
		out = s.apply(in, hold)
	}
	done(st.execute, 0)
	if st.after && !s.wait(r.Context(), action.wait) {
		cutOff(w)
		return
	}
	if st.drop {
		cutOff(w)
		return
	}
	if st.answer != nil {
		out = st.answer(in, out)
	}
	done(st.execute, out.status)
	s.logger.DebugContext(r.Context(), "request", "method", in.method, "path", in.path, "status", out.status, "fault", action.name)
	out.send(w, in.method)
}

// apply executes a request once.
func (s *Shop) apply(in *incoming, hold func()) answer {
	end := s.effects.begin(s.targets(in), s.now())
	defer end()
	if in.method == http.MethodGet || in.method == http.MethodHead {
		s.mu.Lock()
		resource, _, _ := strings.Cut(in.path, "/")
		wait := s.latency[Op{http.MethodGet, resource}]
		s.mu.Unlock()
		s.quit.sleep(wait)
		if hold != nil {
			hold()
		}
	}
	return s.serve(in, hold)
}

// send writes an answer.
func (a answer) send(w http.ResponseWriter, method string) {
	for name, value := range a.header {
		w.Header()[name] = []string{value} // PSWS-Version is not in canonical form
	}
	// A nil entry keeps net/http from guessing a type the real shop does not send.
	w.Header()["Content-Type"] = nil
	if a.content != "" {
		w.Header()["Content-Type"] = []string{a.content}
	}
	w.WriteHeader(a.status)
	if method != http.MethodHead && a.status != http.StatusNotModified {
		// A client that has gone cannot be told so.
		_, _ = w.Write(a.body)
	}
}

var slashes = pattern(`/{2,}`)

// apiPath gives the path below the webservice, in each of the ways a shop can
// be addressed (728, 730).
func apiPath(r *http.Request) (string, bool) {
	path := slashes().ReplaceAllString(r.URL.Path, "/")
	if path == "/webservice/dispatcher.php" {
		return strings.TrimPrefix(parseQuery(r.URL.RawQuery).plain["url"], "/"), true
	}
	if path == "/api" {
		return "", true
	}
	return strings.CutPrefix(path, "/api/")
}

var demoImage = pattern(`^/img/demo/([0-9]{1,3})\.png$`)

// front serves what is outside the webservice.
func front(w http.ResponseWriter, r *http.Request) {
	if m := demoImage().FindStringSubmatch(r.URL.Path); m != nil {
		if n, _ := strconv.Atoi(m[1]); n >= 1 && n <= demoPictures {
			p := demoPicture(n)
			w.Header().Set("Content-Type", p.mime)
			_, _ = w.Write(p.data)
			return
		}
	}
	w.Header().Set("Content-Type", htmlType)
	if r.URL.Path != "/" {
		w.WriteHeader(http.StatusNotFound)
	}
	_, _ = io.WriteString(w, "<!doctype html><html><body><h1>Sandbox shop</h1><p>The webservice is at /api/.</p></body></html>")
}

// cutOff closes the connection without an answer.
func cutOff(w http.ResponseWriter) {
	if h, ok := w.(http.Hijacker); ok {
		if conn, _, err := h.Hijack(); err == nil {
			_ = conn.Close()
			return
		}
	}
	// The documented way to drop a connection that cannot be hijacked.
	panic(http.ErrAbortHandler)
}

// Listen serves the shop on a TCP address, such as "127.0.0.1:0". The base URL
// is without /api. The function closes the listener, ends all waits and
// returns when no request is being served any more.
func (s *Shop) Listen(addr string) (baseURL string, closeShop func(), err error) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: s, ReadHeaderTimeout: 30 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	served := make(chan struct{})
	go func() {
		defer close(served)
		// It always ends with an error; the one it ends with is our Close.
		_ = server.Serve(doorkeeper{listener, s})
	}()
	closeShop = sync.OnceFunc(func() {
		_ = server.Close()
		s.quit.end()
		<-served
		s.crowd.wait()
	})
	return "http://" + listener.Addr().String(), closeShop, nil
}

// doorkeeper turns connections away while the shop is down.
type doorkeeper struct {
	net.Listener
	shop *Shop
}

func (d doorkeeper) Accept() (net.Conn, error) {
	for {
		conn, err := d.Listener.Accept()
		if err != nil || !d.shop.faults.isDown() {
			return conn, err
		}
		_ = conn.Close()
	}
}

// crowd counts the requests being served. A WaitGroup would not do: requests
// may still arrive while somebody waits.
type crowd struct {
	mu    sync.Mutex
	count int
	empty chan struct{} // closed when count falls to 0, if somebody waits
}

func (c *crowd) enter() (leave func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count++
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.count--; c.count == 0 && c.empty != nil {
			close(c.empty)
			c.empty = nil
		}
	}
}

func (c *crowd) wait() {
	c.mu.Lock()
	if c.count == 0 {
		c.mu.Unlock()
		return
	}
	if c.empty == nil {
		c.empty = make(chan struct{})
	}
	empty := c.empty
	c.mu.Unlock()
	<-empty
}
