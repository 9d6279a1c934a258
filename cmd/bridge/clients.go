package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
)

// clientsUsage is printed for a wrong call of bridge clients.
const clientsUsage = `usage: bridge clients ACTION [CLIENT_ID] [flags]
  list                    every registered client
  add CLIENT_ID           register a client and print its secrets, once (--shop, --scopes, --read, --write, --sources)
                          with keys of its own instead of a secret: --jwks-file or --jwks-uri
                          for people to log in to: --redirect-uri (as often as needed), --name, --public
  rotate CLIENT_ID        print a new --secret or --hmac; the one before goes on working until the next rotation
  limits CLIENT_ID        set --read, --write and --sources; what is left out falls back to the deployment's
  token CLIENT_ID         print an access token for the compatibility door (docs/webhooks.md); the one before ends (--revoke: only end it)
  revoke CLIENT_ID        end a client; its tokens stop working with the next request
Every change needs a --reason, which is written to the audit log.
`

type clientsFlags struct {
	envFile, reason, shop, scopes, sources string
	read, write                            int
	secret, hmac, revoke                   bool
	metadata                               metadataFlags
}

// clients is the operator's hand on the clients.
func clients(ctx context.Context, p process) error {
	var f clientsFlags
	set := flags(p, "clients")
	set.StringVar(&f.envFile, "env-file", "", "settings file (default .env.bridge when it exists)")
	set.StringVar(&f.reason, "reason", "", "why; it is written to the audit log")
	set.StringVar(&f.scopes, "scopes", auth.ScopeRead+" "+auth.ScopeWrite, "add: scopes, separated by spaces")
	set.StringVar(&f.shop, "shop", bridge.DefaultShop, "add: the shop it works on, for as long as it lives; bridge shops list shows them")
	set.StringVar(&f.sources, "sources", "", "add, limits: comma-separated addresses or CIDR ranges it may call from")
	set.IntVar(&f.read, "read", 0, "add, limits: reads a minute")
	set.IntVar(&f.write, "write", 0, "add, limits: writes a minute")
	set.BoolVar(&f.secret, "secret", false, "rotate: the OAuth secret")
	set.BoolVar(&f.hmac, "hmac", false, "rotate: the signing secret")
	set.BoolVar(&f.revoke, "revoke", false, "token: end the token and issue none")
	f.metadata.define(set)
	words, err := interleaved(set, p.args)
	if err != nil {
		return err
	}
	if !listOrSubject(words) {
		fmt.Fprint(p.stderr, clientsUsage)
		return errUsage
	}
	c, db, err := openRecords(ctx, p, f.envFile)
	if err != nil {
		return err
	}
	defer db.Close()
	sealer, err := auth.OpenSealer(c.secretsKeyPath)
	if err != nil {
		return err
	}
	registrar := &bridge.Registrar{Registry: db, Sealer: sealer, Fixed: c.fixedClients(), Now: time.Now, AccessTokens: db}
	if words[0] == "list" {
		list, err := db.RegisteredClients(ctx)
		if err != nil {
			return err
		}
		return writeClients(p.stdout, list)
	}
	return f.act(ctx, registrar, words[0], words[1], p.stdout)
}

func (f clientsFlags) act(ctx context.Context, r *bridge.Registrar, action, id string, out io.Writer) error {
	limits, sources, err := f.bounds()
	if err != nil {
		return err
	}
	shop, err := bridge.ParseShopName(f.shop)
	if err != nil {
		return err
	}
	metadata, err := f.metadata.read()
	if err != nil {
		return err
	}
	var fresh bridge.Credentials
	switch {
	case action == "add":
		fresh, err = r.Add(ctx, operatorName(), f.reason, bridge.RegisteredClient{ID: id, Shop: shop, Scopes: auth.ParseScopes(f.scopes), Limits: limits, Sources: sources, Metadata: metadata})
	case action == "rotate" && f.secret != f.hmac:
		rotate := r.RotateHMAC
		if f.secret {
			rotate = r.RotateSecret
		}
		fresh, err = rotate(ctx, operatorName(), f.reason, id)
	case action == "rotate":
		return errors.New("rotate needs either --secret or --hmac")
	case action == "limits":
		return r.Limit(ctx, operatorName(), f.reason, id, limits, sources)
	case action == "token" && f.revoke:
		return r.RevokeToken(ctx, operatorName(), f.reason, id)
	case action == "token":
		fresh, err = r.IssueToken(ctx, operatorName(), f.reason, id)
	case action == "revoke":
		return r.Revoke(ctx, operatorName(), f.reason, id)
	default:
		return fmt.Errorf("there is no action %q\n%s", action, clientsUsage)
	}
	if err != nil {
		return err
	}
	lines := json.NewEncoder(out)
	lines.SetIndent("", "  ")
	return lines.Encode(fresh)
}

// bounds reads the limits and networks of the flags.
func (f clientsFlags) bounds() (map[bridge.RateClass]int, []netip.Prefix, error) {
	limits := map[bridge.RateClass]int{}
	for class, limit := range map[bridge.RateClass]int{bridge.RateRead: f.read, bridge.RateWrite: f.write} {
		if limit < 0 {
			return nil, nil, fmt.Errorf("--%s must not be negative", class)
		}
		if limit > 0 {
			limits[class] = limit
		}
	}
	var c config
	if f.sources != "" {
		if err := prefixes(func(c *config) *[]netip.Prefix { return &c.allowedSources })(&c, f.sources); err != nil {
			return nil, nil, fmt.Errorf("--sources %w", err)
		}
	}
	return limits, c.allowedSources, nil
}

func writeClients(w io.Writer, list []bridge.RegisteredClient) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "CLIENT\tSHOP\tSCOPES\tREADS\tWRITES\tSOURCES\tADDED\tREVOKED")
	for _, c := range list {
		sources := make([]string, len(c.Sources))
		for i, prefix := range c.Sources {
			sources[i] = prefix.String()
		}
		revoked := "-"
		if c.RevokedAt != nil {
			revoked = c.RevokedAt.Format(time.RFC3339)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", c.ID, bridge.ShopLabel(c.Shop), strings.Join(c.Scopes, " "), limitText(c.Limits, bridge.RateRead), limitText(c.Limits, bridge.RateWrite),
			strings.Join(sources, ","), c.CreatedAt.Format(time.RFC3339), revoked)
	}
	return table.Flush()
}

// limitText shows a client's own limit, or a dash for the deployment's.
func limitText(limits map[bridge.RateClass]int, class bridge.RateClass) string {
	if limit, own := limits[class]; own {
		return fmt.Sprint(limit)
	}
	return "-"
}
