package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prestashop-bridge/bridge/auth"
)

// The readers below check one value and put it into the config. Their errors
// finish the sentence "NAME ..." and never show a value that may be secret.

func text(field func(*config) *string) func(*config, string) error {
	return func(c *config, v string) error { *field(c) = v; return nil }
}

func oneOf(field func(*config) *string, words ...string) func(*config, string) error {
	return func(c *config, v string) error {
		if !slices.Contains(words, v) {
			return fmt.Errorf("must be one of %s", strings.Join(words, ", "))
		}
		*field(c) = v
		return nil
	}
}

func secret(field func(*config) *string, atLeast int) func(*config, string) error {
	return func(c *config, v string) error {
		if len(v) < atLeast {
			return fmt.Errorf("has %d characters, want at least %d", len(v), atLeast)
		}
		*field(c) = v
		return nil
	}
}

func number(field func(*config) *int, least, most int) func(*config, string) error {
	return func(c *config, v string) error {
		n, err := strconv.Atoi(v)
		if err != nil || n < least || n > most {
			return fmt.Errorf("must be a whole number from %d to %d", least, most)
		}
		*field(c) = n
		return nil
	}
}

func seconds(field func(*config) *time.Duration, least, most int) func(*config, string) error {
	return func(c *config, v string) error {
		var n int
		err := number(func(*config) *int { return &n }, least, most)(c, v)
		*field(c) = time.Duration(n) * time.Second
		return err
	}
}

func days(field func(*config) *time.Duration) func(*config, string) error {
	return func(c *config, v string) error {
		var n int
		err := number(func(*config) *int { return &n }, 1, 36500)(c, v)
		*field(c) = time.Duration(n) * 24 * time.Hour
		return err
	}
}

func megabytes(field func(*config) *int64) func(*config, string) error {
	return func(c *config, v string) error {
		var n int
		err := number(func(*config) *int { return &n }, 1, 100000)(c, v)
		*field(c) = int64(n) << 20
		return err
	}
}

func listenAddress(field func(*config) *string) func(*config, string) error {
	return func(c *config, v string) error {
		if _, port, err := net.SplitHostPort(v); err != nil || port == "" {
			return errors.New("must be HOST:PORT")
		}
		*field(c) = v
		return nil
	}
}

func payloadBytes(c *config, v string) error {
	var n int
	err := number(func(*config) *int { return &n }, 1024, 10485760)(c, v)
	c.maxPayload = int64(n)
	return err
}

func webURL(field func(*config) *string) func(*config, string) error {
	return func(c *config, v string) error {
		u, err := url.Parse(v)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return errors.New("must be an http or https URL without user, query or fragment")
		}
		*field(c) = strings.TrimRight(v, "/")
		return nil
	}
}

func shopKey(c *config, v string) error {
	if len(v) != 32 {
		return fmt.Errorf("has %d characters, a webservice key has 32", len(v))
	}
	c.shopKey = v
	return nil
}

func employee(c *config, v string) error {
	n, err := strconv.ParseUint(v, 10, 32)
	if err != nil {
		return errors.New("must be an employee's id, or 0 for none")
	}
	c.shopEmployee = int64(n)
	return nil
}

func scopes(c *config, v string) error {
	c.clientScopes = auth.ParseScopes(v)
	if !auth.Subset(c.clientScopes, []string{auth.ScopeRead, auth.ScopeWrite, auth.ScopePII}) {
		return fmt.Errorf("knows only %s, %s and %s", auth.ScopeRead, auth.ScopeWrite, auth.ScopePII)
	}
	return nil
}

func list(field func(*config) *[]string) func(*config, string) error {
	return func(c *config, v string) error {
		for word := range strings.SplitSeq(v, ",") {
			if word = strings.TrimSpace(word); word != "" {
				*field(c) = append(*field(c), word)
			}
		}
		return nil
	}
}

// documentHosts takes any or off alone, or hosts.
func documentHosts(c *config, v string) error {
	if err := list(func(c *config) *[]string { return &c.clientDocuments })(c, v); err != nil {
		return err
	}
	for _, word := range c.clientDocuments {
		if alone := word == "any" || word == "off"; alone && len(c.clientDocuments) > 1 || strings.ContainsAny(word, "/@ ") {
			return errors.New("must be any, off, or hosts such as claude.ai, separated by commas")
		}
	}
	return nil
}

func prefixes(field func(*config) *[]netip.Prefix) func(*config, string) error {
	return func(c *config, v string) error {
		var words []string
		if err := list(func(*config) *[]string { return &words })(c, v); err != nil {
			return err
		}
		for _, word := range words {
			prefix, err := netip.ParsePrefix(word)
			if err != nil {
				addr, err := netip.ParseAddr(word)
				if err != nil {
					return fmt.Errorf("has %q, which is neither an address nor a CIDR range", word)
				}
				prefix = netip.PrefixFrom(addr, addr.BitLen())
			}
			*field(c) = append(*field(c), prefix.Masked())
		}
		return nil
	}
}
