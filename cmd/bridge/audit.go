package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/prestashop-bridge/bridge/bridge"
)

// auditUsage is printed for a wrong call of bridge audit.
const auditUsage = `usage: bridge audit ACTION [flags]
  verify   check the chain of hashes; exit 1 at the first entry that was changed, removed or put in
  export   print every entry as a line of JSON, checking the chain on the way
`

// audit checks or prints what operators decided.
func audit(ctx context.Context, p process) error {
	set := flags(p, "audit")
	envFile := set.String("env-file", "", "settings file (default .env.bridge when it exists)")
	action, err := interleaved(set, p.args)
	if err != nil {
		return err
	}
	if len(action) != 1 || (action[0] != "verify" && action[0] != "export") {
		fmt.Fprint(p.stderr, auditUsage)
		return errUsage
	}
	_, db, err := openRecords(ctx, p, *envFile)
	if err != nil {
		return err
	}
	defer db.Close()
	each := func(bridge.AuditEntry) error { return nil }
	if action[0] == "export" {
		lines := json.NewEncoder(p.stdout)
		lines.SetEscapeHTML(false)
		each = func(e bridge.AuditEntry) error { return lines.Encode(e) }
	}
	count, err := bridge.WalkAudit(ctx, db, each)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stderr, "%d entries, the chain is whole\n", count)
	return nil
}
