package sandbox

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"
)

// incoming is a request as the shop received it, complete with its body.
type incoming struct {
	method string
	path   string // below /api, without the leading slash
	query  string
	header http.Header
	host   string
	body   []byte
}

// answer is what the shop has to say. It is made in full before a byte is
// sent, so that a fault can drop, delay or replace it.
type answer struct {
	status  int
	header  map[string]string
	body    []byte
	content string // Content-Type; empty means the header is absent (010)
}

// trouble is one error of an answer.
type trouble struct {
	code    int
	message string
}

// run is one request on its way through the webservice.
type run struct {
	s         *Shop
	req       *incoming
	query     query
	method    string
	path      []string
	json      bool
	account   *account
	res       *resource
	languages []int
	display   display
	schema    string

	status   int
	troubles []trouble
	objects  []*object
	single   bool // the view is one object and not a list
	silent   bool // nothing is shown unless there is trouble
	managed  bool // the images part has taken over
	fatal    bool // the shop died: 500 with an empty page (229, 329)
	raw      []byte
	rawType  string
	prefix   jsonObject              // what a JSON image list shows before its errors
	rests    map[int]decimal.Decimal // invoice → unpaid rest as first seen
	settled  map[int]decimal.Decimal // order → total paid, if this request paid
	slow     func()                  // wait of a Slow or HoldBeforeSave fault
}

// serve answers one request to the webservice.
func (s *Shop) serve(req *incoming, slow func()) answer {
	r := &run{s: s, req: req, query: parseQuery(req.query), method: req.method, status: http.StatusOK,
		display: display{minimum: true}, slow: slow,
		rests: map[int]decimal.Decimal{}, settled: map[int]decimal.Decimal{}}
	r.json = r.wantsJSON()
	if m, ok := r.query.plain["ps_method"]; ok {
		r.method = m // (179)
	}
	r.path = strings.Split(req.path, "/")
	s.mu.Lock()
	defer s.mu.Unlock()
	if to, moved := r.redirect(); moved {
		return to
	}
	key, sent := r.key()
	if !sent {
		return r.withoutKey()
	}
	if r.admit(key) {
		r.dispatch()
	}
	return r.answer()
}

// wantsJSON reads the output format: the first source that says anything
// decides, and only the exact word JSON means JSON (005 to 008).
func (r *run) wantsJSON() bool {
	for _, name := range []string{"Io-Format", "Output-Format"} {
		if v := r.req.header.Get(name); v != "" {
			return v == "JSON"
		}
	}
	for _, name := range []string{"output_format", "io_format"} {
		if r.query.has(name) {
			return r.query.plain[name] == "JSON"
		}
	}
	return false
}

const (
	htmlType = "text/html; charset=utf-8"
	xmlType  = "text/xml;charset=utf-8"
	jsonType = "application/json"
	askKey   = `Basic realm="Welcome to PrestaShop Webservice, please enter the authentication key as the login. No password required."`
)

// dispatch checks resource and method and does the work.
func (r *run) dispatch() {
	if !r.chooseLanguages() || !r.checkResource() || !r.checkMethod() {
		return
	}
	switch {
	case r.path[0] == "":
		r.root()
	case r.res.name == "images":
		r.managed = true
		r.images()
	case r.method == http.MethodGet || r.method == http.MethodHead:
		r.read()
	case r.method == http.MethodDelete:
		r.remove()
	default:
		r.save()
	}
}

// fail records an error. The status of the last one is the status of the
// answer, which is how a warning turns a 200 into a 500 (125).
func (r *run) fail(status, code int, message string) {
	r.status = status
	r.troubles = append(r.troubles, trouble{code, message})
}

// warn records what the real shop answers when PHP raises a warning.
func (r *run) warn(message, file string, line int) {
	r.fail(http.StatusInternalServerError, 3,
		fmt.Sprintf("[PHP Warning #2] %s (/var/www/prestashop/classes/%s, line %d)", message, file, line))
}

func (r *run) didYouMean(status, code int, message, word string, words []string) {
	r.fail(status, code, fmt.Sprintf("%s. Did you mean: \"%s\"? The full list is: %s", message, closest(word, words), quoteList(words)))
}

// answer renders what has come of the request.
func (r *run) answer() answer {
	if r.fatal {
		return answer{status: http.StatusInternalServerError, content: htmlType}
	}
	a := answer{header: map[string]string{
		"Access-Time":    strconv.FormatInt(r.s.now().Unix(), 10),
		"X-Powered-By":   "PrestaShop Webservice",
		"PSWS-Version":   "0",
		"Execution-Time": "0.005",
	}}
	if r.account != nil {
		a.header["PSWS-Version"] = Version
	}
	if r.status == http.StatusUnauthorized && r.account == nil {
		a.header["WWW-Authenticate"] = askKey
	}
	out := r.renderer()
	a.content = out.contentType()
	if !r.silent && len(r.troubles) == 0 {
		a.body, a.content = r.content(out)
		if len(a.body) > 0 {
			a.header["Content-Sha1"] = sumOf(a.body)
		}
	}
	if r.managed && len(r.troubles) > 0 {
		// Images have their sum taken before the errors replace them (427, 435).
		a.header["Content-Sha1"] = sumOf(nil)
	}
	// Rendering itself can cause trouble: the errors then join a body that is
	// already there in JSON, and replace it in XML (125).
	if len(r.troubles) > 0 {
		a.body, a.content = out.errors(r.troubles), out.contentType()
	}
	a.status = r.status
	if local := r.req.header.Get("Local-Content-Sha1"); local != "" && local == a.header["Content-Sha1"] {
		return answer{status: http.StatusNotModified, header: a.header} // (719)
	}
	if len(a.body) == 0 {
		a.content = ""
	}
	return a
}

func sumOf(body []byte) string {
	sum := sha1.Sum(body)
	return hex.EncodeToString(sum[:])
}

// content renders the result of a request that went well so far.
func (r *run) content(out renderer) ([]byte, string) {
	switch {
	case r.raw != nil:
		return r.raw, r.rawType
	case r.res == nil:
		return out.root(), out.contentType()
	}
	return out.objects(), out.contentType()
}

// root is the list of resources with the methods granted to the key. In JSON
// the real shop dies of it (002).
func (r *run) root() {
	if r.json || r.method != http.MethodGet && r.method != http.MethodHead {
		r.fatal = true
	}
}

// base is the address links in XML answers begin with.
func (r *run) base() string {
	host := r.req.host
	if forwarded := r.req.header.Get("X-Forwarded-Host"); forwarded != "" {
		host = forwarded
	}
	return "http://" + host + "/api/"
}
