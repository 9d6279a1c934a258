package rest_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prestashop-bridge/bridge/bridge"
)

// What a path carries becomes a number only where JSON would write that
// number; the schema refuses all else.
func TestPathValues(t *testing.T) {
	for value, status := range map[string]int{
		"1": 200, "4294967295": 200, "0": 400, "4294967296": 400, "007": 400, "-1": 400, "+1": 400, "1.0": 400, "1e3": 400,
		"%20": 400, "1%00": 400, "%FF": 400, "%22": 400, "null": 400, strings.Repeat("9", 400): 400, "..": 400, "%2E%2E": 400,
	} {
		if w := newRig(t).send(read("/v1/products/" + value)); w.Code != status {
			t.Errorf("%s: got %d, want %d\n%s", value, w.Code, status, w.Body)
		}
	}
}

// No path is cleaned, completed or redirected, and HEAD is not GET.
func TestRoutesAreExact(t *testing.T) {
	r := newRig(t)
	for target, status := range map[string]int{
		"GET /":                         404,
		"GET /v1/products/":             404,
		"GET /v1/products/1/":           404,
		"GET /v1//products/1":           404,
		"GET //v1/products/1":           404,
		"GET /v1/./products/1":          404,
		"GET /V1/products/1":            404,
		"GET /v1/product%73/1":          404,
		"GET /v1/products/1/stock":      404,
		"POST /v1/jobs/orders/import":   404,
		"HEAD /v1/products/1":           405,
		"POST /v1/products/1":           405,
		"PUT /v1/products/1":            405,
		"PATCH /v1/products/1":          405,
		"OPTIONS /v1/products/1":        405,
		"GET /v1/jobs/products/update":  405,
		"DELETE /v1/jobs/orders/status": 405,
		"HEAD /healthz":                 405,
		"GET /oauth/token":              405,
		"TRACE /healthz":                405,
	} {
		method, uri, _ := strings.Cut(target, " ")
		w := r.send(shot{method: method, uri: uri})
		code := bridge.CodeNotFound
		if status == 405 {
			code = bridge.CodeMethodNotAllowed
		}
		problem(t, w, status, code)
		if w.Header().Get("Location") != "" {
			t.Errorf("%s: redirected to %s", target, w.Header().Get("Location"))
		}
		if (w.Header().Get("Allow") != "") != (status == 405) {
			t.Errorf("%s: Allow %q", target, w.Header().Get("Allow"))
		}
	}
}

// Every operation of the hub is a route, whatever is added there.
func TestEveryOperationHasARoute(t *testing.T) {
	r := newRig(t)
	for _, op := range bridge.Operations {
		path := strings.ReplaceAll(op.Path, "{"+op.PathKey+"}", "1")
		w := r.serve(httptest.NewRequest(op.Method, path, nil))
		problem(t, w, http.StatusUnauthorized, bridge.CodeUnauthorized)
	}
}
