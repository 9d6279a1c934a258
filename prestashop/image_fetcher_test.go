package prestashop

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/policies"
)

func fetcherFor(t *testing.T, hosts ...string) *imageFetcher {
	t.Helper()
	f := newImageFetcher(policies.Book{AllowedHosts: hosts}, 5*time.Second)
	t.Cleanup(f.http.CloseIdleConnections)
	return f
}

func encoded(t *testing.T, kind string) []byte {
	t.Helper()
	var out bytes.Buffer
	picture := image.NewPaletted(image.Rect(0, 0, 4, 4), color.Palette{color.Black, color.White})
	var err error
	switch kind {
	case "image/gif":
		err = gif.Encode(&out, picture, nil)
	case "image/jpeg":
		err = jpeg.Encode(&out, picture, nil)
	case "image/png":
		err = png.Encode(&out, picture)
	case "image/webp":
		out.WriteString("RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00")
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func hostOfServer(server *httptest.Server) string { return strings.TrimPrefix(server.URL, "http://") }

func TestImagesAreKnownByTheirBytes(t *testing.T) {
	for mime, extension := range map[string]string{"image/gif": "gif", "image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"} {
		server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html") // what a server says does not count
			_, _ = w.Write(encoded(t, mime))
		})
		got, err := fetcherFor(t, hostOfServer(server)).fetch(t.Context(), server.URL+"/x.php", 1<<20)
		if err != nil || got.mime != mime || got.extension != extension {
			t.Errorf("%s: got %+v, %v", mime, got, err)
		}
	}
}

func TestWhatIsNoImageIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		words   string
	}{
		"text": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "not an image") }, "no gif, jpeg, png or webp"},
		"SVG": {func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `<svg xmlns="http://www.w3.org/2000/svg"/>`)
		}, "no gif, jpeg, png or webp"},
		"empty":      {func(http.ResponseWriter, *http.Request) {}, "no gif, jpeg, png or webp"},
		"damaged":    {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(encoded(t, "image/png")[:20]) }, "damaged"},
		"missing":    {http.NotFound, "answered 404"},
		"too large":  {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 5000)) }, "larger than the shop takes"},
		"endless":    {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200); _, _ = w.Write(make([]byte, 3<<20)) }, "larger than the shop takes"},
		"broken off": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "cannot be reached"},
	} {
		server := serve(t, c.handler)
		_, err := fetcherFor(t, hostOfServer(server)).fetch(t.Context(), server.URL, 4096)
		var refusal *bridge.Error
		if !errors.As(err, &refusal) || refusal.Code != bridge.CodeUnprocessable || !strings.Contains(refusal.Message, c.words) {
			t.Errorf("%s: got %v, want %q", name, err, c.words)
		}
	}
}

func TestAPassingErrorIsTriedTwice(t *testing.T) {
	calls := 0
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if calls++; calls == 1 {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		_, _ = w.Write(encoded(t, "image/png"))
	})
	if _, err := fetcherFor(t, hostOfServer(server)).fetch(t.Context(), server.URL, 1<<20); err != nil || calls != 2 {
		t.Errorf("%v after %d calls", err, calls)
	}
}

// VULNERABILITY: server-side request forgery through images_to_download.
// ATTACK: private addresses by number, by name, and behind redirects.
// THIS TEST VERIFIES: no request arrives anywhere that is not allowed.
func TestPrivateAddressesAreNotFetched(t *testing.T) {
	private := serve(t, func(_ http.ResponseWriter, r *http.Request) { t.Errorf("%s was fetched", r.URL) })
	public := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, private.URL+"/secret.png", http.StatusFound)
	})
	f := fetcherFor(t, hostOfServer(public))
	_, port, _ := strings.Cut(hostOfServer(private), ":")
	for _, address := range []string{
		private.URL, "https://localhost:" + port, "https://127.0.0.1:" + port + "/x.png", "https://[::1]:" + port, "https://0x7f000001:" + port,
		"http://169.254.169.254/", "https://10.0.0.8/x.png", "file:///etc/passwd", "ftp://example.com/x.png",
		public.URL + "/redirects-inwards",
	} {
		_, err := f.fetch(t.Context(), address, 1<<20)
		var refusal *bridge.Error
		if !errors.As(err, &refusal) || refusal.Code != bridge.CodePolicyRefused || refusal.Rule != policies.NoDirectAccess {
			t.Errorf("%s: got %v", address, err)
		}
	}
}

func TestRedirectsAreBoundedAndAskedEach(t *testing.T) {
	hops := 0
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if hops++; hops > 3 {
			_, _ = w.Write(encoded(t, "image/png"))
			return
		}
		http.Redirect(w, r, fmt.Sprintf("/hop%d", hops), http.StatusFound)
	})
	f := fetcherFor(t, hostOfServer(server))
	if _, err := f.fetch(t.Context(), server.URL, 1<<20); err != nil {
		t.Errorf("three redirects: %v", err)
	}
	endless := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/again", http.StatusFound) })
	if _, err := fetcherFor(t, hostOfServer(endless)).fetch(t.Context(), endless.URL, 1<<20); err == nil {
		t.Error("endless redirects were followed")
	}
}

func TestPlainHTTPIsForAllowedHostsOnly(t *testing.T) {
	f := fetcherFor(t)
	_, err := f.fetch(t.Context(), "http://images.example.com/x.png", 1<<20)
	if err == nil || !strings.Contains(err.Error(), "https") {
		t.Errorf("got %v", err)
	}
}
