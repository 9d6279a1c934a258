package prestashop

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/prestashop-bridge/bridge/bridge"
)

func TestRecordedAnswersAreSorted(t *testing.T) {
	for _, c := range []struct {
		number  string
		fault   bridge.ShopFault
		code    bridge.Code
		message string // part of it
	}{
		{"010", bridge.NotFound, bridge.CodeNotFound, "product 99999 does not exist in the shop"},
		{"044", bridge.Unclear, bridge.CodeShopUnavailable, "status 500"},
		{"053", bridge.Refused, bridge.CodeShopRefused, "refuses the webservice key"},
		{"054", bridge.Refused, bridge.CodeShopRefused, "refuses the webservice key"},
		{"062", bridge.Refused, bridge.CodeShopRefused, "no right to PATCH products"},
		{"065", bridge.Unreached, bridge.CodeShopUnavailable, "redirect"},
		{"125", bridge.Unclear, bridge.CodeShopUnavailable, "status 500"},
		{"130", bridge.Refused, bridge.CodeUnprocessable, "meta_title is currently 300 chars"},
		{"157", bridge.NotFound, bridge.CodeNotFound, "product 99999 does not exist"},
		{"329", bridge.Unclear, bridge.CodeShopUnavailable, "status 500"},
		{"338", bridge.Refused, bridge.CodeShopRefused, "no right to POST order_histories"},
		{"435", bridge.Refused, bridge.CodeUnprocessable, "copying image (76)"},
		{"440", bridge.Refused, bridge.CodeShopRefused, "no right to POST images"},
		{"508", bridge.Unclear, bridge.CodeShopUnavailable, "status 500"},
		{"715", bridge.Unreached, bridge.CodeShopUnavailable, "switched off"},
		{"716", bridge.Unreached, bridge.CodeShopUnavailable, "switched off"},
	} {
		rec := recorded(t, c.number)
		checkFault(t, c.number, refusal(rec.call, rec.answer), c.fault, c.code, c.message)
	}
}

func TestAnswersFromElsewhereAreSorted(t *testing.T) {
	patch, get := call{method: http.MethodPatch, resource: "products", id: 6}, call{method: http.MethodGet, resource: "products", id: 6}
	page := []byte("<!DOCTYPE html><html><body>nginx</body></html>")
	association := []byte(`{"errors":[{"code":86,"message":"The association \"x\" does not exists"}]}`)
	for name, c := range map[string]struct {
		call   call
		answer answer
		fault  bridge.ShopFault
	}{
		"read, crash":                      {get, answer{status: 500}, bridge.Unreached},
		"read, gateway timeout":            {get, answer{status: 504, body: page}, bridge.Unreached},
		"write, gateway timeout":           {patch, answer{status: 504, body: page}, bridge.Unclear},
		"write, maintenance page":          {patch, answer{status: 503, body: page}, bridge.Unclear},
		"write, redirect":                  {patch, answer{status: 302}, bridge.Unclear},
		"write, foreign 403":               {patch, answer{status: 403, body: page}, bridge.Unclear},
		"write, foreign 404":               {patch, answer{status: 404, body: page}, bridge.Unclear},
		"write, empty 404":                 {patch, answer{status: 404}, bridge.Unclear},
		"read, foreign 404":                {get, answer{status: 404, body: page}, bridge.Unreached},
		"write, too large for the server":  {patch, answer{status: 413, body: page}, bridge.Refused},
		"write, association after save":    {patch, answer{status: 400, body: association}, bridge.Unclear},
		"write, PHP warning only":          {patch, answer{status: 400, body: []byte(`{"errors":[{"code":3,"message":"[PHP Warning]"}]}`)}, bridge.Unclear},
		"write, foreign 429":               {patch, answer{status: 429, body: page}, bridge.Unclear},
		"write, truncated error body":      {patch, answer{status: 400, body: []byte(`{"errors":[{"code":85,"mess`)}, bridge.Unclear},
		"write, key refused in plain text": {patch, answer{status: 401, body: []byte("401 Unauthorized")}, bridge.Refused},
	} {
		checkFault(t, name, refusal(c.call, c.answer), c.fault, "", "")
	}
}

func checkFault(t *testing.T, name string, err error, fault bridge.ShopFault, code bridge.Code, message string) {
	t.Helper()
	var got *bridge.ShopError
	if !errors.As(err, &got) {
		t.Errorf("%s: %v is no ShopError", name, err)
		return
	}
	if got.Fault != fault || code != "" && got.Code != code || !strings.Contains(got.Message, message) {
		t.Errorf("%s: got fault %d, %s, %q; want %d, %s, %q", name, got.Fault, got.Code, got.Message, fault, code, message)
	}
	if strings.Contains(got.Message, "/var/www") {
		t.Errorf("%s: the message shows a server path: %s", name, got.Message)
	}
}

func TestAnOutageIsNotOneBadCall(t *testing.T) {
	for number, want := range map[string]bool{"715": true, "065": true, "508": false, "329": false, "044": false, "130": false, "010": false} {
		rec := recorded(t, number)
		if got := errors.As(refusal(rec.call, rec.answer), new(outage)); got != want {
			t.Errorf("recording %s: outage %v, want %v", number, got, want)
		}
	}
}
