package login

import (
	"net/url"
	"testing"

	"github.com/prestashop-bridge/bridge/bridge"
)

// Whatever comes as a query, what passes has one client and a redirect URI
// that could be registered.
func FuzzRequest(f *testing.F) {
	f.Add("client_id=app&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&state=x&scope=bridge%3Aread")
	f.Add("client_id=a&client_id=b&redirect_uri=javascript:alert(1)")
	f.Add("%zz;=&redirect_uri=http://127.0.0.1:1/cb")
	f.Fuzz(func(t *testing.T, query string) {
		asked, err := readRequest(query)
		if err == nil && (bridge.CheckRedirectURI(asked.redirectURI) != nil || asked.parameters.Get("client_id") == "" || asked.trusted) {
			t.Errorf("%q passed", query)
		}
	})
}

// A document that passes leads to its own origin or to loopback alone.
func FuzzDocument(f *testing.F) {
	const id = "https://app.example/client.json"
	f.Add([]byte(`{"client_id":"https://app.example/client.json","redirect_uris":["https://app.example/cb","https://evil.example/","http://127.0.0.1/cb"]}`))
	f.Add([]byte(`{"client_id":"https://app.example/client.json","redirect_uris":[],"jwks":{}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := readDocument(id, body)
		if err != nil {
			return
		}
		for _, uri := range m.RedirectURIs {
			u, err := url.Parse(uri)
			if err != nil || bridge.CheckRedirectURI(uri) != nil || u.Scheme == "https" && u.Host != "app.example" || u.Scheme != "https" && u.Scheme != "http" {
				t.Errorf("%q passed", uri)
			}
		}
	})
}
