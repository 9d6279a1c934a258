package sandbox

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
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

// redirect answers requests for another host or shop with a 302 to the home
// page: a client that follows it gets HTML (065, 732).
func (r *run) redirect() (answer, bool) {
	host := r.req.host
	if forwarded := r.req.header.Get("X-Forwarded-Host"); forwarded != "" {
		host = forwarded
	}
	domain := r.s.switches.domain
	shop := r.query.plain["id_shop"]
	wrongShop := shop != "" && shop != "all" && intval(shop) != 1
	if (domain == "" || host == domain) && !wrongShop {
		return answer{}, false
	}
	if domain == "" {
		domain = host
	}
	rest := url.Values{"url": {r.req.path}}.Encode()
	for pair := range strings.SplitSeq(r.req.query, "&") {
		if name, _, _ := strings.Cut(pair, "="); pair != "" && name != "id_shop" {
			rest += "&" + pair
		}
	}
	return answer{status: http.StatusFound, content: htmlType,
		header: map[string]string{"Location": "http://" + domain + "/?" + rest}}, true
}

const (
	htmlType = "text/html; charset=utf-8"
	xmlType  = "text/xml;charset=utf-8"
	jsonType = "application/json"
	askKey   = `Basic realm="Welcome to PrestaShop Webservice, please enter the authentication key as the login. No password required."`
)

// key finds the webservice key: the user of Basic authentication, else ws_key.
func (r *run) key() (string, bool) {
	if encoded, ok := strings.CutPrefix(r.req.header.Get("Authorization"), "Basic "); ok {
		if plain, err := base64.StdEncoding.DecodeString(encoded); err == nil {
			user, _, _ := strings.Cut(string(plain), ":")
			return user, true
		}
	}
	key, ok := r.query.plain["ws_key"]
	return key, ok
}

// withoutKey answers a request with no credentials at all, in plain text
// whatever the format asked for (053, 071).
func (r *run) withoutKey() answer {
	if r.method == http.MethodOptions {
		return answer{status: http.StatusOK, content: htmlType, body: []byte("200 OK"),
			header: map[string]string{"Access-Control-Allow-Headers": "Authorization, Content-Type"}}
	}
	return answer{status: http.StatusUnauthorized, content: htmlType, body: []byte("401 Unauthorized"),
		header: map[string]string{"WWW-Authenticate": askKey}}
}

// admit checks that the webservice is on and the key is good.
func (r *run) admit(key string) bool {
	if r.s.switches.webserviceOff {
		r.fail(http.StatusServiceUnavailable, 22, "The PrestaShop webservice is disabled. Please activate it in the PrestaShop Back Office")
		return false
	}
	a := r.s.account(key)
	switch {
	case key == "":
		r.fail(http.StatusUnauthorized, 17, "Authentication key is empty")
	case len(key) != keyLength:
		r.fail(http.StatusUnauthorized, 18, "Invalid authentication key format")
	case a == nil:
		r.fail(http.StatusUnauthorized, 20, "Authentification key is not active")
		r.fail(http.StatusUnauthorized, 21, "No permission for this authentication key")
	case len(a.rights) == 0:
		r.fail(http.StatusUnauthorized, 21, "No permission for this authentication key")
	default:
		r.account = a
	}
	return r.account != nil
}

// dispatch checks resource and method and does the work.
func (r *run) dispatch() {
	if !r.chooseLanguages() || !r.checkResource() || !r.checkMethod() {
		return
	}
	switch {
	case r.path[0] == "":
		r.root()
	case r.res.name == "images":
		r.images()
	case r.method == http.MethodGet || r.method == http.MethodHead:
		r.read()
	case r.method == http.MethodDelete:
		r.remove()
	default:
		r.save()
	}
}

// chooseLanguages applies the language parameter (009).
func (r *run) chooseLanguages() bool {
	r.languages = r.s.data.languages()
	if !r.query.has("language") {
		return true
	}
	asked, ok := parseLanguages(r.query.plain["language"])
	if !ok {
		r.fail(http.StatusBadRequest, 79, "language value is wrong")
		return false
	}
	r.languages = slices.DeleteFunc(asked, func(id int) bool { return r.s.data.of(languages).rows[id] == nil })
	if len(r.languages) == 0 {
		r.fail(http.StatusBadRequest, 81, "language is not available")
		return false
	}
	return true
}

var languageList = regexp.MustCompile(`^\[(\d{1,6})(?:([,|])(\d{1,6}))*\]$`)

// parseLanguages reads "1", "[1|2]" or the range "[1,2]".
func parseLanguages(s string) ([]int, bool) {
	if n, err := strconv.Atoi(s); err == nil {
		return []int{n}, true
	}
	if !languageList.MatchString(s) {
		return nil, false
	}
	inner := s[1 : len(s)-1]
	var out []int
	if first, last, isRange := strings.Cut(inner, ","); isRange {
		from, to := int(intval(first)), int(intval(last))
		for id := from; id <= to && id-from < 1000; id++ {
			out = append(out, id)
		}
		return out, true
	}
	for part := range strings.SplitSeq(inner, "|") {
		out = append(out, int(intval(part)))
	}
	return out, true
}

// checkResource refuses unknown resources and those the key has no right on.
func (r *run) checkResource() bool {
	name := r.path[0]
	if name == "" {
		return true
	}
	if !known(name) {
		all := make([]string, len(entries))
		for i, e := range entries {
			all[i] = e.name
		}
		r.didYouMean(http.StatusBadRequest, 27, fmt.Sprintf("Resource of type \"%s\" does not exists", name), name, all)
		return false
	}
	if _, granted := r.account.rights[name]; !granted {
		r.fail(http.StatusUnauthorized, 26, fmt.Sprintf("Resource of type \"%s\" is not allowed with this authentication key", name))
		return false
	}
	r.res = find(name)
	return true
}

// checkMethod refuses unknown, forbidden and ungranted methods, in that order.
func (r *run) checkMethod() bool {
	switch {
	case !slices.Contains(methods, r.method):
		r.fail(http.StatusMethodNotAllowed, 23, fmt.Sprintf("Method %s is not valid", r.method))
	case r.res != nil && slices.Contains(r.res.forbidden, r.method) && !r.res.special:
		r.fail(http.StatusMethodNotAllowed, 101, fmt.Sprintf("Method %s is not allowed for the resource %s", r.method, r.path[0]))
	case r.res != nil && !slices.Contains(r.account.rights[r.path[0]], r.method):
		r.fail(http.StatusMethodNotAllowed, 25,
			fmt.Sprintf("Method %s is not allowed for the resource %s with this authentication key", r.method, r.path[0]))
	default:
		return true
	}
	return false
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
			sum := sha1.Sum(a.body)
			a.header["Content-Sha1"] = hex.EncodeToString(sum[:])
		}
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
