package tools

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// origins decides which web pages may call. Servers MUST refuse others with
// 403 (2025-11-25 and 2026-07-28, Transports: Security Warning), because a page
// can point its own name at a bridge on the reader's machine; mcp-go looks at
// Host only.
type origins struct {
	allowed  map[string]bool
	loopback bool // the bridge itself is on a loopback address
}

func newOrigins(baseURL string, allowed []string) origins {
	o := origins{allowed: map[string]bool{}}
	for _, text := range append([]string{baseURL}, allowed...) {
		if origin, ok := parseOrigin(text); ok {
			o.allowed[origin.String()] = true
		}
	}
	own, ok := parseOrigin(baseURL)
	o.loopback = ok && isLoopback(own.Hostname())
	return o
}

// allow reports whether a request may come in. Programs send no Origin.
func (o origins) allow(r *http.Request) bool {
	for _, text := range r.Header.Values("Origin") {
		origin, ok := parseOrigin(text)
		if !ok || !o.allowed[origin.String()] && !(o.loopback && isLoopback(origin.Hostname())) {
			return false
		}
	}
	return true
}

// parseOrigin reads scheme, host and port of a URL in one spelling (RFC 6454
// section 4); "null", the origin of a page that has none, is not one.
func parseOrigin(text string) (*url.URL, bool) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, false
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return &url.URL{Scheme: u.Scheme, Host: net.JoinHostPort(strings.ToLower(u.Hostname()), port)}, true
}

func isLoopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
