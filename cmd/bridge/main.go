// Command bridge stands between AI agents and a PrestaShop 9 shop. This
// package is the one place that knows every other: settings.go holds the
// settings table, wire.go assembles the parts, and each subcommand has a file
// of its own. Nothing imports it; it holds no rule of the product. Read
// commands below, then wire.go.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	_ "time/tzdata" // shops tell times in their zone; a slim container has no zone database
)

// process is what a command may touch of the world outside, so that tests run
// commands in place.
type process struct {
	args   []string // after the command's name
	getenv func(string) string
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
}

// command is one subcommand. run returns an error to be printed, or nil.
type command struct {
	name    string
	summary string
	run     func(ctx context.Context, p process) error
}

// commands in the order help shows them.
func commands() []command {
	return []command{
		{"demo", "show the whole line at work on the built-in shop (--once: check and exit)", demo},
		{"serve", "run the REST bridge, MCP over HTTP, the worker and webhooks", serve},
		{"mcp", "run MCP over stdio with a worker (--sandbox: on the built-in shop; --remote URL: through a bridge elsewhere)", mcpStdio},
		{"sandbox", "run the stand-in PrestaShop 9 alone", runSandbox},
		{"check", "try out the configured deployment before it goes live (--json, --shop NAME, --write-test PRODUCT_ID)", runChecks},
		{"sign", "show the string to sign and the signature of a request", sign},
		{"migrate", "bring the database to this version's schema", migrate},
		{"jobs", "list, show, retry, cancel or resolve jobs", jobs},
		{"clients", "add, list, rotate, limit or revoke clients", clients},
		{"shops", "add, list, rotate the key of, set or remove further shops", shops},
		{"operators", "add, list or remove who can log in to connect apps, or change a password", operators},
		{"webhooks", "list webhooks and deliveries, replay, test, rotate, enable or disable", webhookCommand},
		{"feed", "show how far each shop is watched and how much is to be looked at", feedStatus},
		{"keys", "rotate the keys that sign access tokens", keys},
		{"audit", "verify or export the log of what operators decided", audit},
		{"settings", "print every setting: as a table, or --example as a file to fill in", printSettings},
		{"version", "print the version", printVersion},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, process{args: os.Args[1:], getenv: os.Getenv, stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}))
}

// run picks the subcommand and gives the exit status: 0 done, 1 failed, 2
// called wrongly.
func run(ctx context.Context, p process) int {
	if len(p.args) == 0 || p.args[0] == "help" || p.args[0] == "-h" || p.args[0] == "--help" {
		fmt.Fprint(p.stdout, usage())
		return 0
	}
	for _, c := range commands() {
		if c.name != p.args[0] {
			continue
		}
		p.args = p.args[1:]
		return report(p, c.run(ctx, p))
	}
	fmt.Fprintf(p.stderr, "bridge: there is no command %q.\n\n%s", p.args[0], usage())
	return 2
}

// errUsage is a wrong call that the flag package has already explained.
var errUsage = errors.New("wrong call")

func report(p process, err error) int {
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errUsage):
		return 2
	}
	fmt.Fprintf(p.stderr, "bridge: %v\n", err)
	return 1
}

func usage() string {
	var b strings.Builder
	b.WriteString("bridge: AI agents on one side, a PrestaShop 9 shop on the other, durable jobs between them.\n\n")
	b.WriteString("usage: bridge COMMAND [flags]   (bridge COMMAND --help lists its flags)\n\n")
	for _, c := range commands() {
		fmt.Fprintf(&b, "  %-9s %s\n", c.name, c.summary)
	}
	return b.String()
}

// flags makes a command's flag set; parse explains a wrong call on stderr and
// refuses arguments that are no flags.
func flags(p process, name string) *flag.FlagSet {
	set := flag.NewFlagSet("bridge "+name, flag.ContinueOnError)
	set.SetOutput(p.stderr)
	return set
}

func parse(p process, set *flag.FlagSet) error {
	if err := set.Parse(p.args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return errUsage
	}
	if set.NArg() > 0 {
		fmt.Fprintf(p.stderr, "%s takes no argument %q.\n", set.Name(), set.Arg(0))
		return errUsage
	}
	return nil
}
