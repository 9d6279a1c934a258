package rest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/policies"
)

// route is one method on one path pattern; {name} stands for one segment.
type route struct {
	method  string
	pattern string
	serve   func(*call) error
}

// routes lists everything the door serves. The operations come from the hub's
// table; what is not there cannot be reached.
func (d *Door) routes() []route {
	origins := sources{auth.Sources{Allowed: d.AllowedSources, Proxies: d.TrustedProxies}}
	counter := newTokenCounter(d, origins)
	shown := documents{baseURL: d.BaseURL, tokens: d.Gate.Tokens, clientDocuments: d.ClientDocuments}
	watch := probe{checks: d.Checks}
	all := []route{
		{http.MethodPost, tokenPath, counter.serve},
		{http.MethodPost, revokePath, counter.revoke},
		{http.MethodGet, "/.well-known/jwks.json", shown.keys},
		{http.MethodGet, "/.well-known/oauth-authorization-server", shown.metadata},
		{http.MethodGet, "/healthz", alive},
		{http.MethodGet, "/readyz", watch.serve},
		{http.MethodGet, openAPIPath, newManual(d).serve},
	}
	entry := newEntrance(d, origins)
	for _, op := range bridge.Operations {
		all = append(all, route{op.Method, op.Path, func(c *call) error { return entry.serve(c, op) }})
	}
	vendor := newVendorDoor(d, origins)
	for _, r := range bridge.Resources {
		all = append(all, route{r.Method, r.Path, func(c *call) error { return entry.serveResource(c, r) }})
		if path, shared := vendorPath(r); shared {
			all = append(all, route{r.Method, path, func(c *call) error { return vendor.serve(c, r) }})
		}
	}
	all = append(all, route{http.MethodGet, vendorShopPath, vendor.serveShop})
	return all
}

// find picks the route of a call. net/http's own mux is not used because it
// answers HEAD for GET and redirects to cleaned paths; here the path that was
// signed is the path that is served.
func find(routes []route, c *call) (route, error) {
	var allowed []string
	for _, candidate := range routes {
		value, matches := match(candidate.pattern, c.path)
		if !matches {
			continue
		}
		c.pattern = candidate.pattern
		if candidate.method == c.r.Method {
			c.value = value
			return candidate, nil
		}
		allowed = append(allowed, candidate.method)
	}
	deletes := c.r.Method == http.MethodDelete && aboutProducts(c.path)
	if len(allowed) == 0 && !deletes {
		fault := bridge.Fault(bridge.CodeNotFound, nil, "There is nothing at this path.")
		fault.Fix = "Use one of " + strings.Join(operationLines(), ", ") + "."
		return route{}, fault
	}
	// RFC 9110 §10.2.1: an empty Allow says that the resource allows nothing.
	c.w.Header().Set("Allow", strings.Join(allowed, ", "))
	fault := bridge.Fault(bridge.CodeMethodNotAllowed, nil, "This path does not take the method that was sent.")
	if rule, known := policies.RuleByID(policies.NoDeleteWithOrders); known && deletes {
		fault.Message, fault.Fix, fault.Rule = rule.Sentence, rule.Fix, rule.ID
	}
	return route{}, fault
}

// match compares segment by segment, as sent; only the value of a {name}
// segment is percent-decoded.
func match(pattern, path string) (value string, matches bool) {
	wanted, sent := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(wanted) != len(sent) {
		return "", false
	}
	for i, segment := range wanted {
		if !strings.HasPrefix(segment, "{") {
			if segment != sent[i] {
				return "", false
			}
			continue
		}
		decoded, err := url.PathUnescape(sent[i])
		if err != nil || decoded == "" {
			return "", false
		}
		value = decoded
	}
	return value, true
}

// aboutProducts reports whether a path of the API names products anywhere,
// also a path that is no route: whoever tries to delete one is told the rule.
func aboutProducts(path string) bool {
	segments := strings.Split(strings.ToLower(path), "/")
	return len(segments) > 2 && segments[1] == "v1" && slices.Contains(segments[2:], "products")
}

func operationLines() []string {
	var lines []string
	for _, op := range bridge.Operations {
		lines = append(lines, op.Method+" "+op.Path)
	}
	return lines
}
