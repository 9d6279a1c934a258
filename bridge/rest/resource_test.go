package rest_test

import (
	"encoding/json"
	"net/url"
	"testing"
)

// RFC 8707: a token is good for the resources it was asked for, and this door
// takes it only if it is one of them.
func TestTokenForAResource(t *testing.T) {
	for _, c := range []struct {
		form   url.Values
		status int
	}{
		{grant(), 200},
		{grant("resource", baseURL), 200},
		{grant("resource", baseURL+"/mcp", "resource", baseURL), 200},
		{grant("resource", baseURL+"/mcp"), 401},
	} {
		r := newRig(t)
		var got issued
		if err := json.Unmarshal(r.serve(ask(c.form)).Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if w := r.send(attackWith(got.AccessToken)); w.Code != c.status {
			t.Errorf("%v: got %d, want %d", c.form["resource"], w.Code, c.status)
		}
	}
}
