package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
	"github.com/prestashop-bridge/bridge/prestashop"
)

// shopsUsage is printed for a wrong call of bridge shops.
const shopsUsage = `usage: bridge shops ACTION [NAME] [flags]
  list              every shop; default is the one of the settings
  add NAME          register a shop (--url, --key-file, --employee)
  rotate-key NAME   store a new webservice key (--key-file); delete the old one in the shop two minutes later
  set NAME          change the address of the same shop (--url) or the --employee
  remove NAME       end a shop that no client and no job needs; its name is not given again
Every change needs a --reason, which is written to the audit log. The webservice
key comes from a file of mode 600, or from standard input with --key-file -.
`

type shopsFlags struct {
	envFile, reason, url, keyFile string
	employee                      int64
	given                         map[string]bool
}

// shops is the operator's hand on the shops besides that of the settings.
func shops(ctx context.Context, p process) error {
	f := shopsFlags{given: map[string]bool{}}
	set := flags(p, "shops")
	set.StringVar(&f.envFile, "env-file", "", "settings file (default .env.bridge when it exists)")
	set.StringVar(&f.reason, "reason", "", "why; it is written to the audit log")
	set.StringVar(&f.url, "url", "", "add, set: the shop's base URL")
	set.StringVar(&f.keyFile, "key-file", "", "add, rotate-key: file with the webservice key, - for standard input")
	set.Int64Var(&f.employee, "employee", 0, "add, set: employee whose name status changes carry, 0 for none")
	words, err := interleaved(set, p.args)
	if err != nil {
		return err
	}
	set.Visit(func(one *flag.Flag) { f.given[one.Name] = true })
	if !listOrSubject(words) {
		fmt.Fprint(p.stderr, shopsUsage)
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
	if words[0] == "list" {
		list, err := db.RegisteredShops(ctx)
		if err != nil {
			return err
		}
		return writeShops(p.stdout, c, list)
	}
	registrar := &bridge.ShopRegistrar{Directory: bridge.ShopDirectory{Registry: db, Sealer: sealer}, Configured: c.shopURL, Accepts: usable, Now: time.Now}
	return f.act(ctx, registrar, words[0], words[1], p)
}

// usable reports what keeps a shop from being opened so; nobody is called.
func usable(access bridge.ShopAccess) error {
	shop, err := prestashop.New(prestashop.Options{URL: access.URL, Key: access.Key, EmployeeID: access.EmployeeID})
	if err == nil {
		shop.Close()
	}
	return err
}

func (f shopsFlags) act(ctx context.Context, r *bridge.ShopRegistrar, action, name string, p process) error {
	switch action {
	case "add":
		key, err := f.key(p.stdin)
		if err != nil {
			return err
		}
		if err := r.Add(ctx, operatorName(), f.reason, name, bridge.ShopAccess{URL: f.url, Key: key, EmployeeID: f.employee}); err != nil {
			return err
		}
		fmt.Fprintf(p.stderr, "shop %s is there; next: bridge check --shop %s, bridge clients add ID --shop %s\n", name, name, name)
		return nil
	case "rotate-key":
		key, err := f.key(p.stdin)
		if err != nil {
			return err
		}
		return r.RotateKey(ctx, operatorName(), f.reason, name, key)
	case "set":
		var url *string
		var employee *int64
		if f.given["url"] {
			url = &f.url
		}
		if f.given["employee"] {
			employee = &f.employee
		}
		if url == nil && employee == nil {
			return errors.New("set needs --url or --employee")
		}
		return r.Set(ctx, operatorName(), f.reason, name, url, employee)
	case "remove":
		return r.Remove(ctx, operatorName(), f.reason, name)
	}
	return fmt.Errorf("there is no action %q\n%s", action, shopsUsage)
}

// maxKeyFile is far beyond a key with its line feed.
const maxKeyFile = 4096

// key reads the webservice key. It is never an argument, which every user of
// the machine could read, nor a variable: PRESTASHOP_WS_KEY is that of another
// shop.
func (f shopsFlags) key(stdin io.Reader) (string, error) {
	source := stdin
	switch f.keyFile {
	case "":
		return "", errors.New("the webservice key is missing: --key-file FILE, or --key-file - and the key on standard input")
	case "-":
	default:
		file, err := os.Open(f.keyFile)
		if err != nil {
			return "", fmt.Errorf("--key-file: %w", err)
		}
		defer file.Close()
		info, err := file.Stat()
		if err != nil {
			return "", fmt.Errorf("--key-file: %w", err)
		}
		if info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
			return "", fmt.Errorf("%s holds a secret and others can read it (mode %04o): run chmod 600 %s", f.keyFile, info.Mode().Perm(), f.keyFile)
		}
		source = file
	}
	content, err := io.ReadAll(io.LimitReader(source, maxKeyFile))
	if err != nil {
		return "", fmt.Errorf("--key-file: %w", err)
	}
	return strings.TrimSpace(string(content)), nil
}

func writeShops(w io.Writer, c config, list []bridge.RegisteredShop) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SHOP\tURL\tEMPLOYEE\tADDED\tREMOVED")
	if c.shopURL != "" {
		fmt.Fprintf(table, "%s\t%s\t%d\t-\t-\n", bridge.DefaultShop, c.shopURL, c.shopEmployee)
	}
	for _, shop := range list {
		removed := "-"
		if shop.RemovedAt != nil {
			removed = shop.RemovedAt.Format(time.RFC3339)
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%s\n", shop.Name, shop.URL, shop.EmployeeID, shop.CreatedAt.Format(time.RFC3339), removed)
	}
	return table.Flush()
}
