package policies

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

// inward lists addresses by the attack they try.
var inward = map[string][]string{
	"other schemes": {
		"file:///etc/passwd", "FILE:///etc/passwd", "file:/etc/passwd", "file:etc/passwd", "data:image/png;base64,AAAA", "ftp://example.com/a.jpg",
		"gopher://example.com/_x", "jar:http://example.com!/a", "php://filter/resource=/etc/passwd", "javascript:alert(1)", "unix:/var/run/docker.sock",
		"smb://server/share", "dict://example.com/", "view-source:https://example.com", "ws://example.com/a", "http+unix://%2Fvar%2Frun/x", "://example.com/",
	},
	"local and network paths": {
		`\\host\share\a.jpg`, `//host/share/a.jpg`, "//example.com/a.jpg", "/etc/passwd", "../../etc/passwd", "./a.jpg", "img/a.jpg", "a.jpg",
		`C:\windows\win.ini`, "C:/windows/win.ini", "~/secret", "~root", `..\..\win.ini`, `\etc\passwd`, "example.com/a.jpg",
	},
	"percent encoding": {
		"%66ile:///etc/passwd", "file%3A///etc/passwd", "file%253A%252F%252Fetc", "%2Fetc%2Fpasswd", "..%2f..%2fetc", "https%3A%2F%2F127.0.0.1", "https://127%2e0.0.1/", "https://%31%32%37.0.0.1/", "https://%6cocalhost/",
	},
	"white space and control characters": {
		" file:///etc/passwd", "fi\tle:///etc/passwd", "fi\nle:///etc", "\x00file:///etc", "https://127.0.0.1\n/", "ht\ttps://example.com/a", "java\rscript:alert(1)", "https://exa\u200bmple.com/", "https://local\u00adhost/", "https://example.com/a b.jpg", " https://example.com/",
	},
	"compatibility letters": {
		"ﬁle:///etc/passwd", "ｆｉｌｅ：／／／etc/passwd", "https://ｌｏｃａｌｈｏｓｔ/", "https://１２７.０.０.１/", "https://①②⑦.⓪.⓪.①/", "https://127。0。0。1/", "https://127．0．0．1/", "https://127｡0｡0｡1/", "https://localhost。/", "https://local\ufe00host/", "https://local\u034fhost/",
	},
	"user information": {
		"https://public@127.0.0.1/", "https://example.com@127.0.0.1/", "https://example.com:443@127.0.0.1/", "https://user:pw@example.com/", "https://127.0.0.1#@example.com/", "https://example.com\\@127.0.0.1/", "https://@example.com/",
	},
	"numbers that are addresses": {
		"https://2130706433/", "https://0x7f.1/", "https://0x7f000001/", "https://017700000001/", "https://127.1/", "https://127.0.1/", "https://0177.0.0.1/", "https://0x7f.0x0.0x0.0x1/", "https://127.0.0.01/",
		"https://0/", "https://00/", "https://0x/", "https://134744072/", "https://example.1/", "https://1.2.3.4.5/", "https://256.1.1.1/", "https://127.0.0.1./", "https://0X7F.1/",
	},
	"private and metadata addresses": {
		"https://127.0.0.1/", "http://127.9.9.9:8080/", "https://10.0.0.1/", "https://172.16.0.1/", "https://172.31.255.255/", "https://192.168.1.1/", "https://169.254.169.254/latest/meta-data/", "https://100.64.0.1/", "https://100.100.100.200/", "https://0.0.0.0/", "https://255.255.255.255/",
		"https://224.0.0.1/", "https://198.18.0.1/", "https://192.0.2.1/", "https://168.63.129.16/", "https://192.0.0.192/",
	},
	"IPv6": {
		"https://[::1]/", "https://[::]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/", "https://[::127.0.0.1]/", "https://[64:ff9b::7f00:1]/", "https://[64:ff9b::10.0.0.1]/", "https://[64:ff9b:1::1]/", "https://[2002:7f00:1::]/", "https://[2002:a9fe:a9fe::1]/", "https://[2001:0:1::1]/",
		"https://[fe80::1%25eth0]/", "https://[fe80::1]/", "https://[fd00:ec2::254]/", "https://[fc00::1]/", "https://[ff02::1]/", "https://[2001:db8::1]/", "https://[::1%25lo]:80/", "https://[2606:4700::1%25eth0]/", "https://[0:0:0:0:0:ffff:a00:1]/",
	},
	"private names": {
		"https://localhost/", "https://LOCALHOST/", "https://localhost./", "https://localhost../", "https://a.localhost/", "https://printer.local/", "https://db.internal/", "https://metadata.google.internal/computeMetadata/v1/", "https://metadata.goog/", "https://instance-data/latest", "https://metadata/", "https://mariadb:3306/", "https://nas.lan/", "https://x.home.arpa/", "https://localhost.localdomain/",
	},
	"broken shapes": {
		"https:/example.com/", "https:example.com", "https:///example.com/", "https://", "https:///", "https://:443/", "https://example.com:0/", "https://example.com:00/", "https://example.com:65536/", "https://example.com:99999999999/", "https://.example.com/", "https://a..b.com/", "https://?@127.0.0.1/", "https://[127.0.0.1]/", "https://[::1/", "https://ex<ample.com/", "http:\\\\127.0.0.1\\",
	},
}

func TestInwardAddressIsRefused(t *testing.T) {
	for attack, addresses := range inward {
		t.Run(attack, func(t *testing.T) {
			for _, address := range addresses {
				if err := (Book{}).CheckURL(address); !errors.Is(err, ErrAddressRefused) {
					t.Errorf("CheckURL(%+q) = %v", address, err)
				}
				payload := map[string]any{"items": []any{map[string]any{"images_to_download": []any{"https://example.com/a.jpg", address}}}}
				got := (Book{}).CheckRaw(Intention{Write: true, Payload: payload})
				if len(got) != 1 || got[0].Rule != NoDirectAccess || got[0].Pointer != "/items/0/images_to_download/1" {
					t.Errorf("CheckRaw with %+q: %v", address, got)
				}
			}
		})
	}
}

func TestPublicAddressIsPassed(t *testing.T) {
	for _, address := range []string{
		"https://assets.example.com/img/new-001.jpg", "HTTPS://Example.COM/a", "http://example.com/a.jpg", "https://example.com:8443/a", "https://example.com./a",
		"https://8.8.8.8/a", "https://[2606:4700:4700::1111]/a", "https://bücher.example/é.jpg", "https://xn--bcher-kva.example/", "https://example.com/a%20b.jpg?x=1&y=//z:@#f",
		"https://1e100.net/", "https://local.example.com/", "https://localhost.example.com/", "https://internal.example.com/", "https://example.com:/", "https://0x7f.example.com/", "https://例子.example/图.png", "https://[::ffff:8.8.8.8]/", "https://a_b.example.com/",
	} {
		if err := (Book{}).CheckURL(address); err != nil {
			t.Errorf("CheckURL(%q) = %v", address, err)
		}
	}
}

func TestAllowedHostsExemptExactlyThemselves(t *testing.T) {
	book := Book{AllowedHosts: []string{"minio.lan", "127.0.0.1:9000", "[::1]:9000", "LOCALHOST:80"}}
	for address, want := range map[string]struct{ allowed, plain bool }{
		"http://minio.lan/a":                {true, true},
		"https://MINIO.lan.:1234/a":         {true, true},
		"http://127.0.0.1:9000/a":           {true, true},
		"http://127.0.0.1:09000/a":          {true, true},
		"http://[::1]:9000/a":               {true, true},
		"http://localhost/a":                {true, true},
		"https://127.0.0.1:9001/a":          {false, true},
		"http://127.0.0.1/a":                {false, false},
		"http://x.minio.lan/a":              {false, false},
		"http://127.1:9000/a":               {false, false},
		"https://localhost/a":               {false, true},
		"http://example.com/a":              {true, false},
		"https://example.com/a":             {true, true},
		"http://minio.lan@evil.example/a":   {false, false},
		"http://minio.lan.evil.example/a":   {true, false},
		"ftp://minio.lan/a":                 {false, false},
		"http://user@127.0.0.1:9000/a":      {false, false},
		"http://minio.lan\\.evil.example/a": {false, false},
	} {
		if got := book.CheckURL(address) == nil; got != want.allowed {
			t.Errorf("CheckURL(%q) passes: %v", address, got)
		}
		if got := book.RequireHTTPS(address) == nil; got != want.plain {
			t.Errorf("RequireHTTPS(%q) passes: %v", address, got)
		}
	}
	if err := (Book{}).RequireHTTPS("http://example.com"); !errors.Is(err, ErrPlainHTTP) {
		t.Error(err)
	}
	if !book.AllowsHost("::1", "9000") || !book.AllowsHost("[::1]", "9000") || book.AllowsHost("::1", "9001") {
		t.Error("AllowsHost reads IPv6 hosts wrongly")
	}
}

func TestDirectAccessByOtherFields(t *testing.T) {
	for attack, c := range map[string]struct{ payload, pointer string }{
		"SQL":                        {`{"sql":"UPDATE ps_product SET price=1"}`, "/sql"},
		"a query":                    {`{"query":"select 1"}`, "/query"},
		"a DSN":                      {`{"dsn":"mysql:host=db"}`, "/dsn"},
		"a database URL":             {`{"options":{"database_url":"mysql://root@db/ps"}}`, "/options/database_url"},
		"SQL in camelCase":           {`{"rawSqlQuery":"x"}`, "/rawSqlQuery"},
		"a shell":                    {`{"exec":"rm -rf /"}`, "/exec"},
		"an image URL":               {`{"imageUrl":"https://127.0.0.1/"}`, "/imageUrl"},
		"glued name":                 {`{"imageurl":"https://127.0.0.1/"}`, "/imageurl"},
		"full-width name":            {`{"ｕｒｌ":"https://127.0.0.1/"}`, "/ｕｒｌ"},
		"a file path":                {`{"file_path":"/etc/passwd"}`, "/file_path"},
		"an href in an array":        {`{"links":[[{"href":"http://10.0.0.1"}]]}`, "/links/0/0/href"},
		"an object below images":     {`{"images":[{"value":"file:///etc/passwd"}]}`, "/images/0/value"},
		"a map below images":         {`{"images_to_download":{"0":["php://input"]}}`, "/images_to_download/0/0"},
		"a legend that is a file":    {`{"image_legend":"file:///etc/passwd"}`, "/image_legend"},
		"link_rewrite with a suffix": {`{"link_rewrite_url":"file:///etc/passwd"}`, "/link_rewrite_url"},
		"a callback to the inside":   {`{"callback":"http://169.254.169.254/"}`, "/callback"},
		"a webhook to the inside":    {`{"webhookUrl":"http://redis:6379/"}`, "/webhookUrl"},
	} {
		t.Run(attack, func(t *testing.T) {
			for _, writes := range []bool{true, false} {
				in := Intention{Write: writes, Payload: decode(t, c.payload)}
				if got := broken(in); len(got) != 1 || got[0] != "no-direct-access "+c.pointer {
					t.Errorf("write %v: got %v, want %s", writes, got, c.pointer)
				}
			}
		})
	}
	if got := broken(Intention{Payload: map[string]any{"link_rewrite": "file:x", "images": []any{"http://example.com/a.jpg", "not a url", ""}}}); got != nil {
		t.Errorf("the schema's business is answered here: %v", got)
	}
}

func TestRefusalsDoNotRepeatTheAddress(t *testing.T) {
	err := (Book{}).CheckURL("https://user:hunter2@[bad")
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
}

func FuzzCheckURL(f *testing.F) {
	for _, addresses := range inward {
		for _, address := range addresses {
			f.Add(address)
		}
	}
	f.Fuzz(func(t *testing.T, address string) {
		err := (Book{}).CheckURL(address)
		if err != nil {
			if !errors.Is(err, ErrAddressRefused) {
				t.Errorf("untyped error %v", err)
			}
			return
		}
		u, parseErr := url.Parse(address)
		if parseErr != nil || u.Host == "" || u.User != nil || (u.Scheme != "http" && u.Scheme != "https") {
			t.Fatalf("passed %q, which is no plain http(s) URL: %v", address, parseErr)
		}
		host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
		if addr, err := netip.ParseAddr(host); err == nil {
			addr = addr.Unmap()
			if addr.IsLoopback() || addr.IsPrivate() || addr.IsLinkLocalUnicast() || addr.IsMulticast() || addr.IsUnspecified() {
				t.Fatalf("passed %q", address)
			}
		}
		if host == "localhost" || strings.HasSuffix(host, ".localhost") || strings.HasSuffix(host, ".internal") {
			t.Fatalf("passed %q", address)
		}
	})
}
