package main

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/prestashop-bridge/bridge/auth"
)

// standInURL stands for the base URL that serve derives from --listen.
const standInURL = "http://127.0.0.1:8080"

func (s *site) checkSettings(context.Context) finding {
	src, err := settingsSource(s.getenv, s.envFile)
	if err != nil {
		return fail("%v", err)
	}
	if s.config, err = loadConfig(src, forServing, forShop); err != nil {
		return fail("%v", err)
	}
	return pass("%d settings read", len(settings))
}

// checkFit looks at pairs of settings that are fine one by one.
func (s *site) checkFit(context.Context) finding {
	c := s.config
	var wrong, odd []string
	complain := func(list *[]string, when bool, format string, args ...any) {
		if when {
			*list = append(*list, fmt.Sprintf(format, args...))
		}
	}
	complain(&wrong, int64(c.gzipRequiredAbove) > c.maxPayload, "GZIP_REQUIRED_ABOVE_BYTES is above MAX_PAYLOAD_BYTES: gzip is never required")
	complain(&wrong, c.gzipRecommendedAbove > c.gzipRequiredAbove, "GZIP_RECOMMENDED_ABOVE_BYTES is above GZIP_REQUIRED_ABOVE_BYTES: what is required is not recommended")
	complain(&wrong, c.shopTimeout >= c.jobTimeout, "SHOP_TIMEOUT_SECONDS is not below JOB_TIMEOUT_SECONDS: one slow call ends the attempt")
	complain(&wrong, everybody(c.trustedProxies), "TRUSTED_PROXIES trusts every address: anybody can claim to call from anywhere")
	complain(&odd, everybody(c.allowedSources), "ALLOWED_SOURCE_IPS allows every address, as if it were not set")
	complain(&odd, c.appEnv == "dev", "APP_ENV is dev: the bridge listens on any address without TLS")
	complain(&odd, c.appEnv == "production" && len(c.imageHosts) > 0, "IMAGE_ALLOWED_HOSTS lets images come from private or plain http addresses")
	complain(&odd, c.shopSettle == 0, "SHOP_SETTLE_SECONDS is 0: a call that is still running in the shop may be sent again")
	switch {
	case len(wrong) > 0:
		return fail("%s", strings.Join(append(wrong, odd...), "\n"))
	case len(odd) > 0:
		return warn("%s", strings.Join(odd, "\n"))
	}
	return pass("limits, timeouts and networks agree")
}

// everybody reports whether one of the networks is the whole internet.
func everybody(networks []netip.Prefix) bool {
	return slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Bits() == 0 })
}

// checkSecrets compares the secrets with the published one and with each other.
// It names settings, never values.
func (s *site) checkSecrets(context.Context) finding {
	c := s.config
	named := []struct{ name, value string }{
		{"OAUTH_CLIENT_SECRET", c.clientSecret}, {"HMAC_SECRET_CURRENT", c.hmacCurrent}, {"HMAC_SECRET_PREVIOUS", c.hmacPrevious}, {"PRESTASHOP_WS_KEY", c.shopKey},
	}
	var wrong []string
	for i, one := range named {
		if auth.SameSecret(one.value, auth.Published().Secret) {
			wrong = append(wrong, one.name+" is the secret of the published examples: everybody has it")
		}
		for _, other := range named[:i] {
			if auth.SameSecret(one.value, other.value) {
				wrong = append(wrong, fmt.Sprintf("%s and %s are the same", other.name, one.name))
			}
		}
	}
	if len(wrong) > 0 {
		return fail("%s", strings.Join(wrong, "\n"))
	}
	return pass("no published and no shared secrets")
}

// checkTLS looks at the two URLs that carry secrets.
func (s *site) checkTLS(context.Context) finding {
	c := s.config
	var wrong, odd []string
	if inClear(c.baseURL) && c.appEnv != "dev" {
		wrong = append(wrong, "BRIDGE_BASE_URL is plain http and not loopback: tokens cross the network in the clear")
	}
	switch {
	case !inClear(c.shopURL):
	case privateHost(c.shopURL):
		odd = append(odd, "PRESTASHOP_URL is plain http in a private network: the webservice key crosses it in the clear")
	default:
		wrong = append(wrong, "PRESTASHOP_URL is plain http: the webservice key crosses the network in the clear")
	}
	switch {
	case len(wrong) > 0:
		return fail("%s", strings.Join(append(wrong, odd...), "\n"))
	case len(odd) > 0:
		return warn("%s", strings.Join(odd, "\n"))
	case c.baseURL == "":
		return warn("BRIDGE_BASE_URL is not set: tokens are issued for the address serve listens on").
			mend("Set BRIDGE_BASE_URL to the https URL clients call.")
	}
	return pass("bridge and shop are reached by https or on this machine")
}

// inClear reports whether a URL sends in the clear over a network.
func inClear(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() != "localhost" && (err != nil || !ip.IsLoopback())
}

func privateHost(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return err == nil && ip.IsPrivate()
}
