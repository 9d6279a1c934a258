package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// marks are how the states show.
var marks = map[state]string{passed: "✓", warned: "!", failed: "✗", skipped: "–"}

// writeReport prints a line a check, with the fix below what needs one.
func writeReport(w io.Writer, r findings) error {
	for _, done := range r {
		fmt.Fprintf(w, "%s %-15s %s\n", marks[done.state], done.name, hang(done.detail))
		if done.finding.fix != "" {
			fmt.Fprintf(w, "  %-15s fix: %s\n", "", hang(done.finding.fix))
		}
	}
	_, err := fmt.Fprintf(w, "\n%d passed, %d warned, %d failed, %d not run\n", r.count(passed), r.count(warned), r.count(failed), r.count(skipped))
	return err
}

// hang indents the lines after the first to the column of the first.
func hang(text string) string {
	return strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n"+strings.Repeat(" ", 18))
}

// writeJSONReport prints the report for programs.
func writeJSONReport(w io.Writer, r findings) error {
	type entry struct {
		Name   string `json:"name"`
		Proves string `json:"proves"`
		State  state  `json:"state"`
		Detail string `json:"detail"`
		Fix    string `json:"fix,omitempty"`
	}
	document := struct {
		OK      bool    `json:"ok"`
		Version string  `json:"version"`
		Passed  int     `json:"passed"`
		Warned  int     `json:"warned"`
		Failed  int     `json:"failed"`
		Skipped int     `json:"skipped"`
		Checks  []entry `json:"checks"`
	}{r.count(failed) == 0, version, r.count(passed), r.count(warned), r.count(failed), r.count(skipped), nil}
	for _, done := range r {
		document.Checks = append(document.Checks, entry{done.name, done.proves, done.state, done.detail, done.finding.fix})
	}
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	return out.Encode(document)
}

// checkPage is docs/check.md up to its table.
const checkPage = "# Before going live: `bridge check`\n\n" +
	"Made from the table of checks in `cmd/bridge/check_table.go`: `bridge check --markdown`.\n\n" +
	"`bridge check` runs these checks on the deployment that the settings describe, beside a running bridge or without one. " +
	"Each line begins with ✓ (holds), ! (works, but should be changed), ✗ (must be mended) or – (not run). " +
	"It ends with exit status 1 when a check failed, else 0; `--json` prints the same for programs.\n\n" +
	"It makes what a first start makes: the state folder, the keys and, in an empty database, the tables. Apart from that it leaves nothing behind. " +
	"Its jobs belong to the client `bridge-check`, are of a kind no worker has a plan for, and are accepted for the next day, so that no worker can claim them; it claims them early itself and removes them. " +
	"What a check that was killed left behind, the next one removes once it is ten minutes old; a worker that meets such a job before that ends it as failed. " +
	"In Redis it uses keys below a random prefix of its own (`bridge-check:…`) and empties only those.\n\n" +
	"It looks at the shop of the settings, or with `--shop NAME` at [another](shops.md). It only reads the shop, unless `--write-test PRODUCT_ID` is given: then it changes that product's stock by +1 and by −1 through the whole path " +
	"(request, job, worker, shop) and reads the shop after each. The two jobs stay in the database as the record of what was done, as any other job.\n\n"

// writeChecks prints docs/check.md.
func writeChecks(w io.Writer) {
	fmt.Fprint(w, checkPage, "| check | what it proves | what to do when it fails | runs after |\n| --- | --- | --- | --- |\n")
	for _, c := range checks {
		needs := make([]string, len(c.needs))
		for i, name := range c.needs {
			needs[i] = "`" + name + "`"
		}
		fmt.Fprintf(w, "| `%s` | %s | %s | %s |\n", c.name, c.proves, c.fix, strings.Join(needs, ", "))
	}
}
