package durability

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"

	"github.com/prestashop-bridge/bridge/prestashop/sandbox"
)

// fronts is one server in front of every stand-in shop of the run. Each worker
// reaches its shop under a path of its own, so the front knows who calls, and
// can let a dead worker's calls through no more.
var fronts *frontServer

type frontServer struct {
	server *httptest.Server
	host   string // host:port, for the rule that lets images be fetched from here

	mu    sync.Mutex
	made  int
	shops map[string]*front
}

func openFronts() *frontServer {
	f := &frontServer{shops: map[string]*front{}}
	f.server = httptest.NewUnstartedServer(f)
	f.server.Config.ErrorLog = log.New(io.Discard, "", 0) // cut connections are what these tests are about
	f.server.Start()
	f.host = f.server.Listener.Addr().String()
	return f
}

func (f *frontServer) close() { f.server.Close() }

// open puts a front before a shop.
func (f *frontServer) open(shop *sandbox.Shop) *front {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.made++
	w := &front{server: f, name: strconv.Itoa(f.made), shop: shop, callers: map[string]*caller{}}
	f.shops[w.name] = w
	return w
}

// shut lets go of a shop.
func (f *frontServer) shut(w *front) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.shops, w.name)
}

// ServeHTTP takes /SHOP/CALLER/… to the shop, as if it had been called there.
func (f *frontServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	parts := strings.SplitN(strings.TrimPrefix(r.URL.Path, "/"), "/", 3)
	f.mu.Lock()
	shop := f.shops[parts[0]]
	f.mu.Unlock()
	if shop == nil || len(parts) < 3 {
		http.NotFound(w, r)
		return
	}
	r.URL.Path, r.URL.RawPath = "/"+parts[2], ""
	shop.serve(w, r, shop.caller(parts[1]))
}

// front stands before one shop.
type front struct {
	server *frontServer
	name   string
	shop   *sandbox.Shop
	// before and after are called around every call of the webservice that
	// reaches the shop, one at a time; nil for none.
	before, after func(callSeen)
	// hold is called with every call before the shop gets it, many at a time;
	// nil for none.
	hold func(callSeen)
	// late says of a call that the shop carries it out only after its caller
	// has gone; nil for never.
	late func(callSeen) bool

	hooks sync.Mutex

	mu      sync.Mutex
	callers map[string]*caller
	calls   int           // under way, also those whose caller has gone
	writing int           // of them, writes
	most    int           // writes that were under way at once
	quiet   chan struct{} // closed when calls falls to 0, if somebody waits
}

// enter counts a call that is under way.
func (f *front) enter() (leave func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.calls--; f.calls == 0 && f.quiet != nil {
			close(f.quiet)
			f.quiet = nil
		}
	}
}

// enterWrite counts a write that is under way.
func (f *front) enterWrite(c callSeen) (leave func()) {
	if !c.writes() {
		return func() {}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.writing++
	f.most = max(f.most, f.writing)
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.writing--
	}
}

// settle waits until the shop works on no call any more.
func (f *front) settle() {
	f.mu.Lock()
	if f.calls == 0 {
		f.mu.Unlock()
		return
	}
	if f.quiet == nil {
		f.quiet = make(chan struct{})
	}
	quiet := f.quiet
	f.mu.Unlock()
	<-quiet
}

// callSeen is a call as the front sees it.
type callSeen struct {
	caller, method, resource string
	nth                      int // of its caller, method and resource, from 1
}

func (c callSeen) writes() bool { return c.method != http.MethodGet }

// caller is one worker process as the shop sees it.
type caller struct {
	name   string
	killed func(event string) bool // nil: never dies

	mu    sync.Mutex
	calls map[string]int
}

func (f *front) caller(name string) *caller {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.callers[name]
	if c == nil {
		c = &caller{name: name, calls: map[string]int{}}
		f.callers[name] = c
	}
	return c
}

// url is the shop's root for a caller.
func (f *front) url(caller string) string {
	return f.server.server.URL + "/" + f.name + "/" + caller
}

// image is the address of one of the shop's demo pictures.
func (f *front) image(n int) string { return f.url("images") + "/img/demo/" + strconv.Itoa(n) + ".png" }

// writes counts what a caller sent that could change the shop.
func (f *front) writes(caller string) int {
	c := f.caller(caller)
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for key, count := range c.calls {
		if !strings.HasPrefix(key, http.MethodGet) {
			n += count
		}
	}
	return n
}

func (c *caller) seen(r *http.Request) callSeen {
	resource, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/api/"), "/")
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls[r.Method+" "+resource]++
	return callSeen{c.name, r.Method, resource, c.calls[r.Method+" "+resource]}
}

func (c *caller) dies(event string) bool { return c.killed != nil && c.killed(event) }

func (f *front) serve(w http.ResponseWriter, r *http.Request, c *caller) {
	if !strings.HasPrefix(r.URL.Path, "/api") {
		f.shop.ServeHTTP(w, r)
		return
	}
	defer f.enter()()
	if c.dies("") {
		cut()
	}
	call := c.seen(r)
	what := call.method + " " + call.resource
	if c.dies("call " + what) {
		cut()
	}
	f.hook(f.before, call)
	if f.hold != nil {
		f.hold(call)
	}
	defer f.enterWrite(call)()
	if f.late != nil && f.late(call) {
		if c.dies("answer " + what) {
			f.abandon(r)
			cut()
		}
		f.shop.ServeHTTP(w, r)
		return
	}
	answer, whole := f.record(r)
	f.hook(f.after, call)
	if !whole || c.dies("answer "+what) {
		cut()
	}
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

func (f *front) hook(do func(callSeen), call callSeen) {
	if do == nil {
		return
	}
	f.hooks.Lock()
	defer f.hooks.Unlock()
	do(call)
}

// abandon lets the shop go on with a call whose caller has died.
func (f *front) abandon(r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	orphan := r.Clone(context.WithoutCancel(r.Context()))
	orphan.Body = io.NopCloser(strings.NewReader(string(body)))
	leave := f.enter()
	go func() {
		defer leave()
		f.record(orphan)
	}()
}

// record lets the shop answer; whole is false when it cut the connection.
func (f *front) record(r *http.Request) (answer *httptest.ResponseRecorder, whole bool) {
	defer func() {
		if cause := recover(); cause != nil && cause != http.ErrAbortHandler {
			panic(cause)
		}
	}()
	answer = httptest.NewRecorder()
	f.shop.ServeHTTP(answer, r)
	return answer, true
}

// cut closes the connection without an answer.
func cut() { panic(http.ErrAbortHandler) }
