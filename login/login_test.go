package login_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"))
}

func TestFromTheLoginPageToAToken(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	page := b.logIn(r.asks())
	for _, shown := range []string{"The App", "shop.example", operatorName, "app.example", "read products", "change prices"} {
		if !strings.Contains(page.body, shown) {
			t.Errorf("the consent page does not show %q", shown)
		}
	}
	back := b.post(r.asks(), url.Values{"token": {page.token(t)}, "action": {"approve"}, "scope": {"bridge:read", "bridge:write"}})
	if !strings.HasPrefix(back.where.String(), callback+"?") || back.where.Query().Get("state") != "xyz" || back.where.Query().Get("iss") != r.base {
		t.Fatalf("back to %v", back.where)
	}
	got := r.token("/oauth/token", redemption(back.where.Query().Get("code")))
	if got.status != 200 || got.Scope != "bridge:read bridge:write" || got.Refresh == "" {
		t.Fatalf("%+v", got)
	}
	actor, err := r.actor(got.Access)
	if err != nil || actor.ClientID != "app/ada" || !slices.Equal(actor.Scopes, []string{auth.ScopeRead, auth.ScopeWrite}) {
		t.Errorf("%+v, %v", actor, err)
	}
	// The token was asked for /mcp alone.
	if _, _, err := r.grantor.Gate.For(r.base).Bearer(t.Context(), "Bearer "+got.Access); err == nil {
		t.Error("the token opens the REST door too")
	}
	next := r.refresh(got.Refresh, "scope", "bridge:read")
	if next.status != 200 || next.Scope != "bridge:read" || next.Refresh == got.Refresh {
		t.Fatalf("%+v", next)
	}
	if widened := r.refresh(next.Refresh); widened.Scope != "bridge:read bridge:write" {
		t.Errorf("a narrower token narrowed the grant: %+v", widened)
	}
	// Connected anew, it is the same holder: ids and jobs stay theirs.
	if again, err := r.actor(r.connected().Access); err != nil || again.ClientID != actor.ClientID {
		t.Errorf("%+v, %v", again, err)
	}
	for _, secret := range []string{password, got.Access, got.Refresh, back.where.Query().Get("code"), page.token(t)} {
		if strings.Contains(r.log.text(), secret) {
			t.Error("a secret is in the log")
		}
	}
}

// What the person unticks is not granted, nor what they may not grant.
func TestScopesOnlyNarrow(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	page := b.logIn(r.asks())
	back := b.post(r.asks(), url.Values{"token": {page.token(t)}, "action": {"approve"}, "scope": {"bridge:read"}})
	got := r.token("/oauth/token", redemption(back.where.Query().Get("code")))
	if got.Scope != "bridge:read" {
		t.Errorf("%+v", got)
	}
	if wider := r.refresh(got.Refresh, "scope", "bridge:read bridge:write"); wider.Error != "invalid_scope" {
		t.Errorf("%+v", wider)
	}
	for _, chosen := range [][]string{nil, {"bridge:pii"}, {"bridge:read", "bridge:pii"}, {"admin"}} {
		if answered := b.post(r.asks(), url.Values{"token": {page.token(t)}, "action": {"approve"}, "scope": chosen}); answered.where != nil {
			t.Errorf("%q was granted", chosen)
		}
	}
	if err := r.keeper.Add(t.Context(), "root", "x", "reader", password, []string{auth.ScopePII}); err != nil {
		t.Fatal(err)
	}
	other := r.browser()
	first := other.get(r.asks())
	other.post(r.asks(), url.Values{"token": {first.token(t)}, "action": {"login"}, "name": {"reader"}, "password": {password}})
	if shown := other.get(r.asks()); strings.Contains(shown.body, `value="approve"`) || !strings.Contains(shown.body, "cannot grant") {
		t.Errorf("somebody who may grant nothing is offered to:\n%s", shown.body)
	}
}

// Before client and redirect URI are known to belong together nothing is ever
// sent anywhere.
func TestRequestsThatAreNeverRedirected(t *testing.T) {
	r := newRig(t)
	for name, change := range map[string][]string{
		"no client":                        {"client_id", ""},
		"unknown client":                   {"client_id", "nobody"},
		"a client's name in markup":        {"client_id", `<script>alert(1)</script>`},
		"no redirect URI":                  {"redirect_uri", ""},
		"another site":                     {"redirect_uri", "https://evil.example/callback"},
		"a longer host":                    {"redirect_uri", "https://app.example.evil.example/callback"},
		"a longer path":                    {"redirect_uri", callback + "/evil"},
		"a query":                          {"redirect_uri", callback + "?next=https://evil.example"},
		"a shorter path":                   {"redirect_uri", "https://app.example/"},
		"a path that climbs":               {"redirect_uri", "https://app.example/callback/../evil"},
		"an encoded path that climbs":      {"redirect_uri", "https://app.example/callback%2f..%2fevil"},
		"user before another host":         {"redirect_uri", "https://app.example@evil.example/callback"},
		"user before the host":             {"redirect_uri", "https://evil@app.example/callback"},
		"a backslash":                      {"redirect_uri", `https://app.example\@evil.example/callback`},
		"a fragment":                       {"redirect_uri", callback + "#evil"},
		"an empty fragment":                {"redirect_uri", callback + "#"},
		"http instead of https":            {"redirect_uri", "http://app.example/callback"},
		"another letter case":              {"redirect_uri", "https://App.example/callback"},
		"a port":                           {"redirect_uri", "https://app.example:443/callback"},
		"a trailing dot":                   {"redirect_uri", "https://app.example./callback"},
		"a line break":                     {"redirect_uri", callback + "\r\nSet-Cookie: a=b"},
		"no scheme":                        {"redirect_uri", "//app.example/callback"},
		"javascript":                       {"redirect_uri", "javascript:alert(1)"},
		"data":                             {"redirect_uri", "data:text/html,x"},
		"loopback, another path":           {"redirect_uri", "http://127.0.0.1:4711/other"},
		"loopback, by name":                {"redirect_uri", "http://localhost:4711/done"},
		"loopback, a user as port":         {"redirect_uri", "http://127.0.0.1:1@evil.example/done"},
		"loopback, another host behind it": {"redirect_uri", "http://127.0.0.1.evil.example/done"},
		"loopback, no such port":           {"redirect_uri", "http://127.0.0.1:65536/done"},
		"loopback, port zero":              {"redirect_uri", "http://127.0.0.1:0/done"},
		"loopback, https":                  {"redirect_uri", "https://127.0.0.1:4711/done"},
		"a machine's client":               {"client_id", "machine"},
	} {
		if name == "a machine's client" {
			r.register("machine", bridge.ClientMetadata{})
		}
		t.Run(name, func(t *testing.T) {
			got := r.browser().get(r.asks(change...))
			if got.status != http.StatusBadRequest || got.where != nil || strings.Contains(got.body, "<script") {
				t.Errorf("status %d to %v:\n%s", got.status, got.where, got.body)
			}
		})
	}
	for _, twice := range []string{"client_id", "redirect_uri"} {
		query := r.asks()
		query.Add(twice, query.Get(twice))
		if got := r.browser().get(query); got.status != http.StatusBadRequest || got.where != nil {
			t.Errorf("%s twice: %d, %v", twice, got.status, got.where)
		}
	}
}

// From then on the client hears of its errors, with state and iss.
func TestRefusalsByRedirect(t *testing.T) {
	r := newRig(t)
	for name, c := range map[string]struct {
		change []string
		want   string
	}{
		"no response type":                 {[]string{"response_type", ""}, "invalid_request"},
		"implicit":                         {[]string{"response_type", "token"}, "unsupported_response_type"},
		"hybrid":                           {[]string{"response_type", "code token"}, "unsupported_response_type"},
		"answers in a form":                {[]string{"response_mode", "form_post"}, "invalid_request"},
		"answers in a fragment":            {[]string{"response_mode", "fragment"}, "invalid_request"},
		"no PKCE":                          {[]string{"code_challenge", "", "code_challenge_method", ""}, "invalid_request"},
		"PKCE without a method":            {[]string{"code_challenge_method", ""}, "invalid_request"},
		"PKCE plain":                       {[]string{"code_challenge_method", "plain"}, "invalid_request"},
		"a challenge that is none":         {[]string{"code_challenge", "short"}, "invalid_request"},
		"an unknown scope":                 {[]string{"scope", "bridge:read admin"}, "invalid_scope"},
		"a scope the client lacks":         {[]string{"scope", "bridge:pii"}, "invalid_scope"},
		"another resource":                 {[]string{"resource", "https://other.example/mcp"}, "invalid_target"},
		"a request object":                 {[]string{"request", "x"}, "request_not_supported"},
		"a request object somewhere":       {[]string{"request_uri", "https://evil.example"}, "request_uri_not_supported"},
		"a state that splits the response": {[]string{"state", "x\r\nSet-Cookie: a=b"}, "invalid_request"},
		"a state without end":              {[]string{"state", strings.Repeat("s", 2049)}, "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			query := r.asks(c.change...)
			got := r.browser().get(query)
			if got.status != http.StatusSeeOther || !strings.HasPrefix(got.where.String(), callback+"?") {
				t.Fatalf("status %d to %v:\n%s", got.status, got.where, got.body)
			}
			answer := got.where.Query()
			if answer.Get("error") != c.want || answer.Get("state") != query.Get("state") || answer.Get("iss") != r.base || answer.Has("code") || len(got.header.Values("Set-Cookie")) > 0 {
				t.Errorf("back with %v", answer)
			}
		})
	}
	query := r.asks()
	query.Add("scope", "bridge:read")
	if got := r.browser().get(query); got.where == nil || got.where.Query().Get("error") != "invalid_request" {
		t.Errorf("scope twice: %d, %v", got.status, got.where)
	}
}

func TestRefusedByThePerson(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	page := b.logIn(r.asks("redirect_uri", "http://127.0.0.1:50123/done"))
	if !strings.Contains(page.body, "an app on this computer (127.0.0.1:50123)") {
		t.Error("it is not shown where the browser goes")
	}
	back := b.post(r.asks("redirect_uri", "http://127.0.0.1:50123/done"), url.Values{"token": {page.token(t)}, "action": {"deny"}})
	if back.where.Host != "127.0.0.1:50123" || back.where.Query().Get("error") != "access_denied" || back.where.Query().Get("state") != "xyz" {
		t.Errorf("back to %v", back.where)
	}
}

// ATTACK: another site's form, or a page of ours shown for something else.
func TestAttackForgedForms(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	page := b.logIn(r.asks())
	agree := func(token string) url.Values {
		return url.Values{"token": {token}, "action": {"approve"}, "scope": {"bridge:read"}}
	}
	stranger := r.browser().get(r.asks()).token(t)
	for name, got := range map[string]shown{
		"no token":                  b.post(r.asks(), agree("")),
		"a made-up token":           b.post(r.asks(), agree(strings.Repeat("0", 64))),
		"another browser's token":   b.post(r.asks(), agree(stranger)),
		"consent to another's URL":  b.post(r.asks("scope", "bridge:write"), agree(page.token(t))),
		"consent to another client": b.post(r.asks("client_id", "other"), agree(page.token(t))),
		"no cookie":                 r.browser().post(r.asks(), agree(page.token(t))),
	} {
		if got.status != http.StatusForbidden || got.where != nil {
			t.Errorf("%s: status %d to %v", name, got.status, got.where)
		}
	}
	for _, site := range []string{"cross-site", "same-site", "none"} {
		q, err := http.NewRequest(http.MethodPost, r.base+"/oauth/authorize?"+r.asks().Encode(), strings.NewReader(agree(page.token(t)).Encode()))
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		q.Header.Set("Sec-Fetch-Site", site)
		if got := b.do(q); got.status != http.StatusForbidden {
			t.Errorf("a form that came %s: status %d", site, got.status)
		}
	}
	// The same form from here works, so it was no other fault.
	if got := b.post(r.asks(), agree(page.token(t))); got.status != http.StatusSeeOther {
		t.Errorf("the honest form: status %d", got.status)
	}
	if got := b.post(r.asks(), url.Values{"token": {page.token(t)}, "action": {"explode"}}); got.status != http.StatusBadRequest {
		t.Errorf("an unknown action: status %d", got.status)
	}
}

// Clients, templates and browsers spell the same query in different ways.
func TestQueriesMayBeSpeltInOtherWays(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	b.logIn(r.asks())
	odd := r.base + "/oauth/authorize?" + r.asks("state", "").Encode() + "&state={'|^}(*)~"
	q, err := http.NewRequest(http.MethodGet, odd, nil)
	if err != nil {
		t.Fatal(err)
	}
	page := b.do(q)
	action := regexp.MustCompile(`action="([^"]+)"`).FindStringSubmatch(page.body)
	if action == nil {
		t.Fatalf("no form in\n%s", page.body)
	}
	form := url.Values{"token": {page.token(t)}, "action": {"approve"}, "scope": {"bridge:read"}}
	if q, err = http.NewRequest(http.MethodPost, r.base+html.UnescapeString(action[1]), strings.NewReader(form.Encode())); err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if back := b.do(q); back.where == nil || back.where.Query().Get("state") != "{'|^}(*)~" {
		t.Errorf("status %d to %v", back.status, back.where)
	}
}

// ATTACK: agreeing without having logged in, by the anonymous session's token.
func TestAttackConsentWithoutLogin(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	token := b.get(r.asks()).token(t)
	got := b.post(r.asks(), url.Values{"token": {token}, "action": {"approve"}, "scope": {"bridge:read"}})
	if got.where != nil || !strings.Contains(got.body, `name="password"`) {
		t.Errorf("status %d to %v", got.status, got.where)
	}
}

func TestEveryAnswerIsProtected(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	for name, got := range map[string]shown{
		"login": b.get(r.asks()), "consent": b.logIn(r.asks()), "problem": b.get(r.asks("client_id", "nobody")), "redirect": b.get(r.asks("scope", "x")),
	} {
		policy := got.header.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'; style-src 'sha256-") || !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %q", name, policy)
		}
		for header, want := range map[string]string{"X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"} {
			if got.header.Get(header) != want {
				t.Errorf("%s: %s %q", name, header, got.header.Get(header))
			}
		}
		if strings.Contains(strings.ToLower(got.body), "<script") || strings.Contains(got.body, " style=") || strings.Contains(got.body, " on") && strings.Contains(got.body, " onload") {
			t.Errorf("%s: there is script or style in it", name)
		}
		for _, cookie := range (&http.Response{Header: got.header}).Cookies() {
			if !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" || cookie.MaxAge > 900 {
				t.Errorf("%s: cookie %+v", name, cookie)
			}
		}
	}
}

// ATTACK: markup in everything that a page can show.
func TestAttackMarkupInPages(t *testing.T) {
	r := newRig(t)
	const markup = `"><img src=x onerror=alert(1)>`
	r.register("hostile", bridge.ClientMetadata{Name: markup, RedirectURIs: []string{callback}, AuthMethod: bridge.AuthNothing})
	page := r.browser().logIn(r.asks("client_id", "hostile", "state", `"><script>alert(1)</script>`))
	if strings.Contains(page.body, "<img") || strings.Contains(page.body, "<script") || !strings.Contains(html.UnescapeString(page.body), markup) {
		t.Errorf("the page:\n%s", page.body)
	}
}

func TestPagesSpeakChinese(t *testing.T) {
	r := newRig(t)
	for accept, want := range map[string]string{"zh-CN,zh;q=0.9,en;q=0.8": "zh", "en-GB,zh": "en", "fr": "en", "": "en"} {
		q, err := http.NewRequest(http.MethodGet, r.base+"/oauth/authorize?"+r.asks().Encode(), nil)
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Accept-Language", accept)
		if got := r.browser().do(q); !strings.Contains(got.body, `<html lang="`+want+`">`) {
			t.Errorf("%s: not %s", accept, want)
		}
	}
}

// ATTACK: guessing passwords, and finding out names.
func TestAttackGuessedPasswords(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	try := func(name, secret string) shown {
		return b.post(r.asks(), url.Values{"token": {b.get(r.asks()).token(t)}, "action": {"login"}, "name": {name}, "password": {secret}})
	}
	wrong, unknown := try(operatorName, "wrong"), try("nobody", "wrong")
	stripped := func(s shown) string { return tokenField.ReplaceAllString(s.body, "") }
	if wrong.status != http.StatusForbidden || unknown.status != wrong.status || stripped(wrong) != stripped(unknown) {
		t.Errorf("a known and an unknown name differ: %d and %d", wrong.status, unknown.status)
	}
	for i := range 5 {
		try(operatorName, "wrong "+strings.Repeat("x", i))
	}
	if got := try(operatorName, password); got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") == "" {
		t.Errorf("the right password after many wrong ones: status %d", got.status)
	}
	r.advance(time.Minute)
	if got := try(operatorName, password); got.status != http.StatusSeeOther {
		t.Errorf("a minute later: status %d", got.status)
	}
}

func TestSessionsEnd(t *testing.T) {
	r := newRig(t)
	b := r.browser()
	loggedOut := func(why string) {
		t.Helper()
		if got := b.get(r.asks()); !strings.Contains(got.body, `name="password"`) {
			t.Errorf("still logged in %s", why)
		}
	}
	page := b.logIn(r.asks())
	if got := b.post(r.asks(), url.Values{"token": {page.token(t)}, "action": {"switch"}}); got.status != http.StatusSeeOther {
		t.Errorf("status %d", got.status)
	}
	loggedOut("after logging out")
	page = b.logIn(r.asks())
	r.advance(16 * time.Minute)
	if got := b.post(r.asks(), url.Values{"token": {page.token(t)}, "action": {"approve"}, "scope": {"bridge:read"}}); got.status != http.StatusForbidden || !strings.Contains(got.body, "Try again") {
		t.Errorf("an old form: status %d", got.status)
	}
	loggedOut("after a quarter of an hour")
	b.logIn(r.asks())
	if err := r.keeper.SetPassword(t.Context(), "root", "lost", operatorName, password+"!"); err != nil {
		t.Fatal(err)
	}
	loggedOut("after the password was changed")
}

func TestCodesAreForOneUse(t *testing.T) {
	r := newRig(t)
	secret := r.register("keeper", bridge.ClientMetadata{RedirectURIs: []string{callback}}).ClientSecret
	b := r.browser()
	code := b.consent(r.asks()).Get("code")
	for name, c := range map[string]struct {
		form url.Values
		want string
	}{
		"another code":               {redemption("x"), "invalid_grant"},
		"no code":                    {redemption(""), "invalid_grant"},
		"another client":             {redemption(code, "client_id", "keeper", "client_secret", secret), "invalid_grant"},
		"another client, no secret":  {redemption(code, "client_id", "keeper"), "invalid_client"},
		"another redirect URI":       {redemption(code, "redirect_uri", "http://127.0.0.1/done"), "invalid_grant"},
		"no redirect URI":            {redemption(code, "redirect_uri", ""), "invalid_grant"},
		"no verifier":                {redemption(code, "code_verifier", ""), "invalid_grant"},
		"the challenge as verifier":  {redemption(code, "code_verifier", challenge), "invalid_grant"},
		"another resource of ours":   {redemption(code, "resource", r.base), "invalid_target"},
		"another resource":           {redemption(code, "resource", "https://other.example"), "invalid_target"},
		"as a machine":               {redemption(code, "grant_type", "client_credentials"), "unauthorized_client"},
		"with a secret it never had": {redemption(code, "client_secret", "x"), "invalid_client"},
	} {
		if got := r.token("/oauth/token", c.form); got.Error != c.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
	// None of these used it up: the right one still comes through, once.
	first := r.token("/oauth/token", redemption(code, "resource", r.base+"/mcp"))
	if first.status != 200 {
		t.Fatalf("%+v", first)
	}
	if _, err := r.actor(first.Access); err != nil {
		t.Fatal(err)
	}
	if again := r.token("/oauth/token", redemption(code)); again.Error != "invalid_grant" {
		t.Errorf("a code twice: %+v", again)
	}
	if _, err := r.actor(first.Access); err == nil {
		t.Error("what a replayed code had given still works")
	}
	if got := r.refresh(first.Refresh); got.Error != "invalid_grant" {
		t.Errorf("its refresh token: %+v", got)
	}
	late := b.get(r.asks())
	code = b.post(r.asks(), url.Values{"token": {late.token(t)}, "action": {"approve"}, "scope": {"bridge:read"}}).where.Query().Get("code")
	r.advance(time.Minute)
	if got := r.token("/oauth/token", redemption(code)); got.Error != "invalid_grant" {
		t.Errorf("a code a minute old: %+v", got)
	}
}

// ATTACK: a stolen refresh token. Whoever comes second ends it for both.
func TestAttackRefreshReuse(t *testing.T) {
	r := newRig(t)
	first := r.connected()
	second := r.refresh(first.Refresh)
	if second.status != 200 {
		t.Fatalf("%+v", second)
	}
	if got := r.refresh(first.Refresh); got.Error != "invalid_grant" {
		t.Errorf("%+v", got)
	}
	if got := r.refresh(second.Refresh); got.Error != "invalid_grant" {
		t.Errorf("the family lives on: %+v", got)
	}
	if _, err := r.actor(second.Access); err == nil {
		t.Error("the access token lives on")
	}
	entries, err := r.store.Audit(t.Context(), 0, 100)
	if err != nil || !slices.ContainsFunc(entries, func(e bridge.AuditEntry) bool {
		return e.Action == bridge.ActionGrantReplay && e.Subject == "app/ada"
	}) {
		t.Errorf("the audit log has no word of it: %+v, %v", entries, err)
	}
}

func TestRefreshesRace(t *testing.T) {
	r := newRig(t)
	token := r.connected().Refresh
	const racers = 8
	answers := make([]answer, racers)
	var group sync.WaitGroup
	for i := range racers {
		group.Go(func() { answers[i] = r.refresh(token) })
	}
	group.Wait()
	won := 0
	for _, a := range answers {
		if a.status == 200 {
			won++
			if got := r.refresh(a.Refresh); got.Error != "invalid_grant" {
				t.Errorf("the winner of a race that looks like a theft goes on: %+v", got)
			}
		} else if a.Error != "invalid_grant" {
			t.Errorf("%+v", a)
		}
	}
	if won != 1 {
		t.Errorf("%d of %d racing refreshes won", won, racers)
	}
}

func TestGrantsEnd(t *testing.T) {
	for name, end := range map[string]func(*rig, answer) error{
		"operator removed": func(r *rig, _ answer) error { return r.keeper.Remove(r.Context(), "root", "left", operatorName) },
		"password changed": func(r *rig, _ answer) error {
			return r.keeper.SetPassword(r.Context(), "root", "lost", operatorName, password+"!")
		},
		"client revoked": func(r *rig, _ answer) error { return r.registrar.Revoke(r.Context(), "root", "gone", "app") },
		"refresh token revoked": func(r *rig, a answer) error {
			r.token("/oauth/revoke", url.Values{"client_id": {"app"}, "token": {a.Refresh}, "token_type_hint": {"refresh_token"}})
			return nil
		},
		"access token revoked": func(r *rig, a answer) error {
			r.token("/oauth/revoke", url.Values{"client_id": {"app"}, "token": {a.Access}})
			return nil
		},
		"unused for a month": func(r *rig, _ answer) error { r.advance(30 * 24 * time.Hour); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			got := r.connected()
			if _, err := r.actor(got.Access); err != nil {
				t.Fatal(err)
			}
			if err := end(r, got); err != nil {
				t.Fatal(err)
			}
			if _, err := r.actor(got.Access); bridge.AsError(err).Code != bridge.CodeUnauthorized {
				t.Errorf("the access token: %v", err)
			}
			if got := r.refresh(got.Refresh); got.status < 400 {
				t.Errorf("the refresh token: %+v", got)
			}
		})
	}
}

// A grant ends after its longest time, however often it was refreshed.
func TestGrantsEndAfterTheirLongestTime(t *testing.T) {
	r := newRig(t)
	got := r.connected()
	for range 4 {
		r.advance(20 * 24 * time.Hour)
		if got = r.refresh(got.Refresh); got.status != 200 {
			t.Fatalf("%+v", got)
		}
	}
	r.advance(10 * 24 * time.Hour)
	if got = r.refresh(got.Refresh); got.Error != "invalid_grant" {
		t.Errorf("after 90 days: %+v", got)
	}
}

func TestRevocationIsTheClientsOwn(t *testing.T) {
	r := newRig(t)
	r.register("other", bridge.ClientMetadata{RedirectURIs: []string{callback}, AuthMethod: bridge.AuthNothing})
	machine := r.register("machine", bridge.ClientMetadata{}).ClientSecret
	got := r.connected()
	for name, form := range map[string]url.Values{
		"another client": {"client_id": {"other"}, "token": {got.Refresh}}, "an unknown token": {"client_id": {"app"}, "token": {"x"}},
	} {
		if answered := r.token("/oauth/revoke", form); answered.status != 200 {
			t.Errorf("%s: %+v", name, answered)
		}
	}
	if _, err := r.actor(got.Access); err != nil {
		t.Error(err)
	}
	own := r.token("/oauth/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {"machine"}, "client_secret": {machine}})
	for name, c := range map[string]struct {
		form url.Values
		want string
	}{
		"no token":              {url.Values{"client_id": {"app"}}, "invalid_request"},
		"no client":             {url.Values{"token": {"x"}}, "invalid_client"},
		"a machine's own token": {url.Values{"client_id": {"machine"}, "client_secret": {machine}, "token": {own.Access}}, "unsupported_token_type"},
	} {
		if answered := r.token("/oauth/revoke", c.form); answered.Error != c.want {
			t.Errorf("%s: %+v", name, answered)
		}
	}
}
