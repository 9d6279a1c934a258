package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/term"

	"github.com/prestashop-bridge/bridge/auth"
	"github.com/prestashop-bridge/bridge/bridge"
)

const operatorsUsage = `usage: bridge operators ACTION [NAME] [flags]
  list           every operator who can log in
  add NAME       let an operator log in and connect apps (--scopes: the most an app can be granted)
  passwd NAME    change the password; apps connected so far must be connected anew
  remove NAME    end the account and what it granted, from the next request on
The password is asked for, or read as the one line of standard input; it is never an argument.
Every change needs a --reason, which is written to the audit log.
`

type operatorsFlags struct{ envFile, reason, scopes string }

// operators manages who can log in.
func operators(ctx context.Context, p process) error {
	var f operatorsFlags
	set := flags(p, "operators")
	set.StringVar(&f.envFile, "env-file", "", "settings file (default .env.bridge when it exists)")
	set.StringVar(&f.reason, "reason", "", "why; it is written to the audit log")
	set.StringVar(&f.scopes, "scopes", auth.ScopeRead+" "+auth.ScopeWrite, "add: scopes, separated by spaces")
	words, err := interleaved(set, p.args)
	if err != nil {
		return err
	}
	if !listOrSubject(words) {
		fmt.Fprint(p.stderr, operatorsUsage)
		return errUsage
	}
	_, db, err := openRecords(ctx, p, f.envFile)
	if err != nil {
		return err
	}
	defer db.Close()
	if words[0] == "list" {
		list, err := db.Accounts(ctx)
		if err != nil {
			return err
		}
		return writeOperators(p.stdout, list)
	}
	return f.act(ctx, p, &bridge.AccountKeeper{Accounts: db, Now: time.Now}, words[0], words[1])
}

func (f operatorsFlags) act(ctx context.Context, p process, keeper *bridge.AccountKeeper, action, name string) error {
	switch action {
	case "add":
		password, err := readPassword(p)
		if err != nil {
			return err
		}
		return keeper.Add(ctx, operatorName(), f.reason, name, password, auth.ParseScopes(f.scopes))
	case "passwd":
		password, err := readPassword(p)
		if err != nil {
			return err
		}
		return keeper.SetPassword(ctx, operatorName(), f.reason, name, password)
	case "remove":
		return keeper.Remove(ctx, operatorName(), f.reason, name)
	}
	return fmt.Errorf("there is no action %q\n%s", action, operatorsUsage)
}

// maxPasswordLine is far above a password.
const maxPasswordLine = 1024

// readPassword asks twice at a terminal, and else takes one line of standard
// input.
func readPassword(p process) (string, error) {
	terminal, isFile := p.stdin.(*os.File)
	if !isFile || !term.IsTerminal(int(terminal.Fd())) {
		line, err := bufio.NewReader(io.LimitReader(p.stdin, maxPasswordLine)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("the password cannot be read: %w", err)
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
	var typed [2]string
	for i, prompt := range []string{"Password: ", "Once more: "} {
		fmt.Fprint(p.stderr, prompt)
		raw, err := term.ReadPassword(int(terminal.Fd()))
		fmt.Fprintln(p.stderr)
		if err != nil {
			return "", fmt.Errorf("the password cannot be read: %w", err)
		}
		typed[i] = string(raw)
	}
	if typed[0] != typed[1] {
		return "", errors.New("the two passwords differ; nothing was changed")
	}
	return typed[0], nil
}

func writeOperators(w io.Writer, list []bridge.Account) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "OPERATOR\tSCOPES\tADDED\tREMOVED")
	for _, a := range list {
		removed := "-"
		if a.RemovedAt != nil {
			removed = a.RemovedAt.Format(time.RFC3339)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", a.Name, strings.Join(a.Scopes, " "), a.CreatedAt.Format(time.RFC3339), removed)
	}
	return table.Flush()
}
