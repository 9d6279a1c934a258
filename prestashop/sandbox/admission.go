package sandbox

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

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
