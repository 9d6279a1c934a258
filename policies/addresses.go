package policies

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// ErrAddressRefused is what every error of CheckURL is; ErrPlainHTTP is
// RequireHTTPS's.
var (
	ErrAddressRefused = errors.New("address refused")
	ErrPlainHTTP      = errors.New("only https addresses are fetched")
)

// CheckURL passes an absolute http or https URL whose host is public as
// far as its spelling tells, or is one of AllowedHosts. The image fetcher asks
// again for every redirect, and PublicAddress for what the name resolved to:
// a public name may point inwards, which no spelling shows.
//
// Two readers of one URL must not disagree about its host, so everything that
// browsers, PHP and Go read differently is refused instead of repaired
// (backslashes, white space, user info, numbers that are not plain
// dotted-quad IPv4, percent signs in the host).
func (b Book) CheckURL(address string) error {
	u, err := parseAddress(address)
	if err != nil {
		return err
	}
	host, err := hostOf(u)
	if err != nil {
		return err
	}
	port, err := portOf(u)
	if err != nil {
		return err
	}
	if b.AllowsHost(host, port) {
		return nil
	}
	return checkHost(host)
}

// RequireHTTPS passes https addresses, and http ones of AllowedHosts.
func (b Book) RequireHTTPS(address string) error {
	u, err := parseAddress(address)
	if err != nil {
		return err
	}
	if u.Scheme == "https" {
		return nil
	}
	host, err := hostOf(u)
	if err != nil {
		return err
	}
	port, err := portOf(u)
	if err != nil {
		return err
	}
	if b.AllowsHost(host, port) {
		return nil
	}
	return ErrPlainHTTP
}

// AllowsHost reports whether the merchant allows exactly this host, on this
// port or on any. A fetcher that dials an allowed host skips PublicAddress.
func (b Book) AllowsHost(host, port string) bool {
	host = strings.ToLower(strings.Trim(host, "[]"))
	return slices.ContainsFunc(b.AllowedHosts, func(allowed string) bool {
		allowed = strings.ToLower(strings.TrimSpace(allowed))
		return allowed == host || allowed == "["+host+"]" || allowed == net.JoinHostPort(host, port)
	})
}

func refuseAddress(reason string) error { return fmt.Errorf("%w: %s", ErrAddressRefused, reason) }

// parseAddress reads the shape of the address: scheme, no user info, a host.
func parseAddress(address string) (*url.URL, error) {
	for _, r := range address {
		if r == '\\' || unicode.IsSpace(r) || invisible(r) || r == unicode.ReplacementChar {
			return nil, refuseAddress("it holds white space, control characters or backslashes")
		}
	}
	scheme, rest, _ := strings.Cut(address, ":")
	scheme = strings.ToLower(scheme)
	if scheme != "http" && scheme != "https" {
		return nil, refuseAddress("it is not a full http(s) URL")
	}
	// https:/host and https:///host reach host in some clients (WHATWG URL,
	// "special authority slashes") and nothing in others.
	if !strings.HasPrefix(rest, "//") || strings.HasPrefix(rest, "///") {
		return nil, refuseAddress("it does not have exactly two slashes before its host")
	}
	u, err := url.Parse(address)
	if err != nil {
		// The parser's error quotes the address; ours must not.
		return nil, refuseAddress("it cannot be parsed")
	}
	if u.User != nil || strings.Contains(u.Host, "@") {
		return nil, refuseAddress("it carries user information")
	}
	return u, nil
}

// hostOf is the host as a resolver will see it: lower case, full-width and
// other compatibility letters and the IDNA full stops folded (UTS #46), no
// final dot.
func hostOf(u *url.URL) (string, error) {
	if strings.ContainsAny(u.Host, "%") || strings.Contains(u.Hostname(), "%") {
		return "", refuseAddress("its host holds a percent sign or zone")
	}
	host := strings.ToLower(norm.NFKC.String(u.Hostname()))
	host = strings.NewReplacer("。", ".", "．", ".", "｡", ".").Replace(host)
	host = strings.TrimSuffix(host, ".")
	if host == "" || strings.HasPrefix(host, ".") || strings.HasSuffix(host, ".") || strings.Contains(host, "..") {
		return "", refuseAddress("its host is empty or has empty labels")
	}
	if strings.ContainsAny(host, "/?#@\\%<>^|` \"'{}") {
		return "", refuseAddress("its host holds characters no host has")
	}
	return host, nil
}

// portOf is the effective port; port 0 means "any" to some sockets and is
// never a server's.
func portOf(u *url.URL) (string, error) {
	text := u.Port()
	if text == "" {
		if u.Scheme == "http" {
			return "80", nil
		}
		return "443", nil
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port == 0 {
		return "", refuseAddress("its port is not 1 to 65535")
	}
	return strconv.FormatUint(port, 10), nil
}

// privateNames are suffixes that never name a public host: RFC 6761
// (localhost), RFC 6762 (local), RFC 8375 (home.arpa), ICANN's internal, and
// the habits of private networks. metadata.goog is Google Cloud's public
// spelling of its metadata server.
var privateNames = []string{
	"localhost", "localdomain", "local", "internal", "intranet", "private", "corp", "home", "lan", "home.arpa", "metadata.goog",
}

// checkHost judges a folded host by its spelling alone.
func checkHost(host string) error {
	if strings.Contains(host, ":") {
		addr, err := netip.ParseAddr(host)
		if err != nil || !PublicAddress(addr) {
			return refuseAddress("its host is not a public IP address")
		}
		return nil
	}
	labels := strings.Split(host, ".")
	if numeric(labels[len(labels)-1]) {
		// WHATWG URL §3.5: a host that ends in a number is an IPv4 address in
		// one of many spellings. Only the plain one is read.
		addr, err := netip.ParseAddr(host)
		if err != nil || !PublicAddress(addr) {
			return refuseAddress("its host is not a public IP address in plain dotted form")
		}
		return nil
	}
	for _, name := range privateNames {
		if host == name || strings.HasSuffix(host, "."+name) {
			return refuseAddress("its host is a private name")
		}
	}
	if len(labels) == 1 {
		return refuseAddress("its host has no domain, so it is a name of the local network")
	}
	return nil
}

// numeric reports whether inet_aton would read the label as a number: decimal
// or octal digits, or hex after 0x.
func numeric(label string) bool {
	digits, hex := strings.CutPrefix(label, "0x")
	for _, c := range []byte(digits) {
		decimal := c >= '0' && c <= '9'
		if !decimal && !(hex && c >= 'a' && c <= 'f') {
			return false
		}
	}
	return hex || label != ""
}
