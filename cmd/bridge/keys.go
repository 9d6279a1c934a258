package main

import (
	"context"
	"fmt"

	"github.com/prestashop-bridge/bridge/auth"
)

// keysUsage is printed for a wrong call of bridge keys.
const keysUsage = `usage: bridge keys ACTION [flags]
  rotate   sign new tokens with a new key; tokens of the key before live on until they expire.
           Running nodes on the same files notice within a second.
`

// keys rotates the keys that sign access tokens.
func keys(_ context.Context, p process) error {
	set := flags(p, "keys")
	envFile := set.String("env-file", "", "settings file (default .env.bridge when it exists)")
	action, err := interleaved(set, p.args)
	if err != nil {
		return err
	}
	if len(action) != 1 || action[0] != "rotate" {
		fmt.Fprint(p.stderr, keysUsage)
		return errUsage
	}
	c, err := settingsFor(p, *envFile)
	if err != nil {
		return err
	}
	fresh, err := auth.RotateKeys(c.privateKeyPath, c.publicKeyPath)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "new tokens are signed with key %s\n", fresh.SigningID())
	return nil
}
