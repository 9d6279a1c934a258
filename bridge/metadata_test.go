package bridge_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/prestashop-bridge/bridge/bridge"
)

func TestRedirectURIs(t *testing.T) {
	for uri, fine := range map[string]bool{
		"https://app.example/callback": true, "https://app.example": true, "https://app.example/cb?x=1": true,
		"http://127.0.0.1/cb": true, "http://127.0.0.1:8000/cb": true, "http://[::1]/cb": true, "http://localhost:1/cb": true,
		"cursor://anysphere.cursor-mcp/oauth/callback": true, "com.example.app:/oauth": true,
		"http://app.example/cb": false, "http://192.168.0.1/cb": false, "http://[::ffff:127.0.0.1]/cb": false, "http://localhost.evil.example/": false,
		"https:///cb": false, "https:cb": false, "/cb": false, "": false, "//app.example/cb": false,
		"https://u@app.example/cb": false, "https://u:p@app.example/cb": false, "https://app.example/cb#": false, "https://app.example/cb#x": false,
		"https://app.example/c b": false, "https://app.example/\n": false, `https://app.example\cb`: false, "https://äpp.example/": false,
		"javascript:alert(1)": false, "data:text/html,x": false, "file:///etc/passwd": false, "JavaScript:alert(1)": false, "intent://x": false,
		"https://app.example/" + strings.Repeat("x", 512): false,
	} {
		if err := bridge.CheckRedirectURI(uri); (err == nil) != fine {
			t.Errorf("%q: %v", uri, err)
		}
	}
}

func TestMetadataHoldsTogether(t *testing.T) {
	const redirect = "https://app.example/cb"
	for name, c := range map[string]struct {
		metadata bridge.ClientMetadata
		fine     bool
	}{
		"a machine":                  {bridge.ClientMetadata{}, true},
		"an app with a secret":       {bridge.ClientMetadata{Name: "App", RedirectURIs: []string{redirect}}, true},
		"a public app":               {bridge.ClientMetadata{AuthMethod: bridge.AuthNothing, RedirectURIs: []string{redirect}}, true},
		"a public machine":           {bridge.ClientMetadata{AuthMethod: bridge.AuthNothing}, false},
		"keys somewhere":             {bridge.ClientMetadata{AuthMethod: bridge.AuthKey, KeysURI: "https://app.example/jwks"}, true},
		"keys in the clear":          {bridge.ClientMetadata{AuthMethod: bridge.AuthKey, KeysURI: "http://app.example/jwks"}, false},
		"no keys":                    {bridge.ClientMetadata{AuthMethod: bridge.AuthKey}, false},
		"keys that are none":         {bridge.ClientMetadata{AuthMethod: bridge.AuthKey, Keys: []byte(`{}`)}, false},
		"keys that are never used":   {bridge.ClientMetadata{KeysURI: "https://app.example/jwks"}, false},
		"an unknown method":          {bridge.ClientMetadata{AuthMethod: "tls_client_auth"}, false},
		"a name with a line break":   {bridge.ClientMetadata{Name: "a\nb"}, false},
		"a name that turns around":   {bridge.ClientMetadata{Name: "a\u202eb"}, false},
		"a name without end":         {bridge.ClientMetadata{Name: strings.Repeat("x", 81)}, false},
		"too many redirects":         {bridge.ClientMetadata{RedirectURIs: strings.Split(strings.Repeat(redirect+" ", 21), " ")[:21]}, false},
		"a redirect that is refused": {bridge.ClientMetadata{RedirectURIs: []string{"http://app.example/"}}, false},
	} {
		if err := c.metadata.Check(); (err == nil) != c.fine {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whatever matches leads to the same host and path; only a loopback port may
// differ.
func FuzzRedirectMatches(f *testing.F) {
	for _, sent := range []string{"http://127.0.0.1:80/cb", "http://127.0.0.1/cb", "http://127.0.0.1:1@evil.example/cb", "http://127.0.0.1:99999/cb", "https://app.example/cb", "http://127.0.0.1:/cb"} {
		f.Add(sent)
	}
	f.Fuzz(func(t *testing.T, sent string) {
		for _, registered := range []string{"http://127.0.0.1/cb", "https://app.example/cb", "http://[::1]:7/cb?x"} {
			if !bridge.RedirectMatches(registered, sent) || bridge.CheckRedirectURI(sent) != nil {
				continue
			}
			want, err := url.Parse(registered)
			if err != nil {
				t.Fatal(err)
			}
			got, err := url.Parse(sent)
			if err != nil || got.Hostname() != want.Hostname() || got.RequestURI() != want.RequestURI() || got.Scheme != want.Scheme || got.User != nil || want.Scheme == "https" && got.Port() != want.Port() {
				t.Errorf("%q matches %q", sent, registered)
			}
		}
	})
}
