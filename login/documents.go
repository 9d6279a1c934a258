package login

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/egress"
)

const (
	// maxDocument is what draft-ietf-oauth-client-id-metadata-document
	// recommends as a limit.
	maxDocument    = 5 << 10
	maxDocumentURL = 512
	// FetchTimeout bounds one fetch, for the egress client that does it.
	FetchTimeout = 5 * time.Second
	// A publisher may say how long its document is good, within these bounds.
	leastAge, usualAge, mostAge = time.Minute, 5 * time.Minute, 24 * time.Hour
	maxRemembered               = 256
	parallelFetches             = 4
	fetchesPerHost              = 20 // a minute: what strangers can make us ask of somebody
)

// Documents fetches what clients publish of themselves: metadata documents
// (draft-ietf-oauth-client-id-metadata-document) and key sets.
type Documents struct {
	client *egress.Client
	hosts  []string // none: any
	off    bool
	now    func() time.Time

	calls    singleflight.Group
	slots    chan struct{}
	attempts *auth.Attempts
	mu       sync.Mutex
	known    map[string]remembered
}

var _ bridge.Documents = (*Documents)(nil)

// remembered is a body that was good when it came.
type remembered struct {
	body      []byte
	came, end time.Time
}

// NewDocuments makes a fetcher. Clients may name documents on these hosts, on
// any with "any", on none with "off". The egress client must follow no
// redirects: a document stands where its client says (§3 of the draft).
func NewDocuments(client *egress.Client, hosts []string, now func() time.Time) *Documents {
	d := &Documents{
		client: client, hosts: hosts, now: now, slots: make(chan struct{}, parallelFetches),
		attempts: auth.NewAttempts(auth.AttemptLimits{Name: fetchesPerHost}, now), known: map[string]remembered{},
	}
	if slices.Contains(hosts, "any") {
		d.hosts = nil
	}
	d.off = slices.Contains(hosts, "off")
	return d
}

// Admits reports whether a client may name itself by this URL.
func (d *Documents) Admits(address string) bool {
	u, ok := documentURL(address)
	return ok && !d.off && (len(d.hosts) == 0 || slices.Contains(d.hosts, u.Host))
}

// documentURL reads a client id that is a URL, in the one spelling that §2 of
// the draft and simple comparison leave: https, a path, no user, query or
// fragment, nothing to be cleaned up.
func documentURL(text string) (*url.URL, bool) {
	u, err := url.Parse(text)
	if err != nil || len(text) > maxDocumentURL || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Opaque != "" {
		return nil, false
	}
	outside := func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\"<>\\^`{|}#?", r) }
	if strings.ContainsFunc(text, outside) || u.Host != strings.ToLower(u.Host) || len(u.Path) < 2 || path.Clean(u.Path) != strings.TrimSuffix(u.Path, "/") || u.String() != text {
		return nil, false
	}
	return u, true
}

// document is a client's metadata document.
type document struct {
	bridge.ClientMetadata
	ClientID string          `json:"client_id"`
	Secret   json.RawMessage `json:"client_secret"`
}

// Metadata fetches a client's document and takes from it what can be used.
func (d *Documents) Metadata(ctx context.Context, address string) (bridge.ClientMetadata, error) {
	if !d.Admits(address) {
		return bridge.ClientMetadata{}, refused("The client's URL is not admitted here.")
	}
	var m bridge.ClientMetadata
	err := d.fetch(ctx, address, maxDocument, false, func(body []byte) (err error) {
		m, err = readDocument(address, body)
		return err
	})
	return m, err
}

// readDocument checks a document against the URL it stands at. Of its redirect
// URIs those count that lead back to its own origin or to the person's own
// machine: an app's own scheme or another site proves nothing about who wrote
// the document.
func readDocument(address string, body []byte) (bridge.ClientMetadata, error) {
	var doc document
	if err := json.Unmarshal(body, &doc); err != nil {
		return bridge.ClientMetadata{}, refused("The client's metadata document is not the JSON it should be.")
	}
	own, ok := documentURL(address)
	if !ok || doc.ClientID != address {
		return bridge.ClientMetadata{}, refused("The client's metadata document names another client_id than its own URL.")
	}
	m := doc.ClientMetadata
	if m.AuthMethod == "" {
		m.AuthMethod = bridge.AuthNothing
	}
	if doc.Secret != nil || m.AuthMethod != bridge.AuthNothing && m.AuthMethod != bridge.AuthKey {
		return bridge.ClientMetadata{}, refused("A client with a metadata document authenticates by none or private_key_jwt and has no secret.")
	}
	m.RedirectURIs = slices.DeleteFunc(m.RedirectURIs, func(uri string) bool {
		u, err := url.Parse(uri)
		return err != nil || bridge.CheckRedirectURI(uri) != nil || u.Scheme != "http" && (u.Scheme != "https" || u.Host != own.Host)
	})
	if len(m.RedirectURIs) == 0 {
		return bridge.ClientMetadata{}, refused("The client's metadata document has no redirect URI on its own origin or a loopback address.")
	}
	if err := m.Check(); err != nil {
		return bridge.ClientMetadata{}, refused("The client's metadata document does not hold: " + bridge.AsError(err).Message)
	}
	return m, nil
}

// Keys fetches a jwks_uri.
func (d *Documents) Keys(ctx context.Context, address string, fresh bool) (auth.WebKeys, error) {
	var keys auth.WebKeys
	err := d.fetch(ctx, address, auth.MaxWebKeysBytes, fresh, func(body []byte) (err error) {
		if keys, err = auth.ParseWebKeys(body); err != nil {
			return refused("The client's jwks_uri cannot be used: " + err.Error() + ".")
		}
		return nil
	})
	return keys, err
}

// fetch gives a body to read, from memory or from its address. One that cannot
// be read is not remembered. With fresh, what came within a minute is fresh
// enough: whoever sends made-up key ids must not turn us against a server.
func (d *Documents) fetch(ctx context.Context, address string, most int, fresh bool, read func([]byte) error) error {
	d.mu.Lock()
	found, known := d.known[address]
	d.mu.Unlock()
	now := d.now()
	if known && now.Before(found.end) && (!fresh || now.Sub(found.came) < leastAge) {
		return read(found.body)
	}
	// The fetch outlives the caller who began it, for others wait for it too;
	// the client's timeout ends it.
	call := d.calls.DoChan(address, func() (any, error) { return d.get(context.WithoutCancel(ctx), address, most) })
	select {
	case <-ctx.Done():
		return ctx.Err()
	case got := <-call:
		if got.Err != nil {
			return got.Err
		}
		came := got.Val.(remembered)
		if err := read(came.body); err != nil {
			return err
		}
		d.remember(address, came)
		return nil
	}
}

func (d *Documents) remember(address string, r remembered) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.known) >= maxRemembered {
		clear(d.known)
	}
	d.known[address] = r
}

// get asks once. What is said about a failure tells nothing of the network
// this runs in.
func (d *Documents) get(ctx context.Context, address string, most int) (remembered, error) {
	if err := d.client.Allowed(address); err != nil {
		return remembered{}, refused("The client's document is not at a public https address.")
	}
	u, err := url.Parse(address)
	if err != nil {
		return remembered{}, refused("The client's document is not at a public https address.")
	}
	if _, allowed := d.attempts.Take(netip.Addr{}, u.Host); !allowed {
		return remembered{}, unavailable("its server was asked too often; try again in a minute")
	}
	select {
	case d.slots <- struct{}{}:
		defer func() { <-d.slots }()
	default:
		return remembered{}, unavailable("too many documents are being fetched; try again")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return remembered{}, refused("The client's document is not at a public https address.")
	}
	req.Header.Set("Accept", "application/json")
	resp, err := d.client.Do(req)
	if egress.Refused(err) {
		return remembered{}, refused("The client's document is not at a public https address.")
	}
	if err != nil {
		return remembered{}, unavailable(egress.Bare(err).Error())
	}
	defer resp.Body.Close()
	return d.take(resp, most)
}

// take reads an answer: 200 and JSON, nothing else and no redirect.
func (d *Documents) take(resp *http.Response, most int) (remembered, error) {
	mediaType, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	switch {
	case resp.StatusCode >= http.StatusInternalServerError:
		return remembered{}, unavailable("its server has a fault")
	case resp.StatusCode != http.StatusOK:
		return remembered{}, refused(fmt.Sprintf("The client's document was answered with status %d; only 200 counts, and no redirect is followed.", resp.StatusCode))
	case mediaType != "application/json" && !strings.HasSuffix(mediaType, "+json"):
		return remembered{}, refused("The client's document is not served as JSON.")
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, int64(most)+1))
	if err != nil {
		return remembered{}, unavailable("its server broke off")
	}
	if len(body) > most {
		return remembered{}, refused(fmt.Sprintf("The client's document is longer than %d bytes.", most))
	}
	now := d.now()
	return remembered{body: body, came: now, end: now.Add(age(resp.Header.Get("Cache-Control")))}, nil
}

// age reads how long an answer is good (RFC 9111 §5.2.2), within our bounds.
func age(cacheControl string) time.Duration {
	life := usualAge
	for directive := range strings.SplitSeq(strings.ToLower(cacheControl), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch name {
		case "no-store", "no-cache":
			return leastAge
		case "max-age":
			if n, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31); err == nil {
				life = min(max(time.Duration(n)*time.Second, leastAge), mostAge)
			}
		}
	}
	return life
}

func refused(description string) error {
	return &bridge.Refusal{Name: bridge.InvalidClient, Description: description}
}

func unavailable(why string) error {
	return &bridge.Refusal{Name: bridge.TemporarilyUnavailable, Description: "The client's document cannot be fetched: " + why + "."}
}
