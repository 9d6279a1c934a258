package main

import (
	"context"
	"fmt"
	"io"
	"strings"
)

// printSettings shows the table for people, or as a file to fill in.
func printSettings(_ context.Context, p process) error {
	set := flags(p, "settings")
	example := set.Bool("example", false, "print a file to fill in and save as .env.bridge")
	markdown := set.Bool("markdown", false, "print the table of docs/settings.md")
	if err := parse(p, set); err != nil {
		return err
	}
	switch {
	case *example:
		writeExample(p.stdout)
	case *markdown:
		writeMarkdown(p.stdout)
	default:
		for _, s := range settings {
			fmt.Fprintf(p.stdout, "%-30s %-11s %s\n", s.name, s.state(p.getenv), s.help)
		}
	}
	return nil
}

// state shows a setting's value in this environment; a secret only as set or
// unset.
func (s setting) state(getenv func(string) string) string {
	value := getenv(s.name)
	switch {
	case s.secret && value != "":
		return "set"
	case value != "":
		return value
	case s.fallback != "":
		return s.fallback
	}
	return "unset"
}

// writeExample prints .env.bridge.example: every setting with its help, the
// optional ones commented out at their default.
func writeExample(w io.Writer) {
	fmt.Fprint(w, "# Settings of the bridge. Copy to .env.bridge, fill in, and run: chmod 600 .env.bridge\n# Made from the settings table; do not edit by hand: bridge settings --example\n")
	for _, s := range settings {
		fmt.Fprintf(w, "\n# %s\n", s.help)
		if s.need == optional {
			fmt.Fprint(w, "# ")
		}
		fmt.Fprintf(w, "%s=%s\n", s.name, s.fallback)
	}
}

// writeMarkdown prints docs/settings.md.
func writeMarkdown(w io.Writer) {
	fmt.Fprint(w, "# Settings\n\nRead from the environment first, then from `.env.bridge` (mode 600) or the file named by `--env-file`. Made from the settings table in `cmd/bridge/settings.go`: `bridge settings --markdown`.\n\n")
	fmt.Fprint(w, "| name | default | needed by | what it is |\n| --- | --- | --- | --- |\n")
	for _, s := range settings {
		fallback := s.fallback
		if fallback == "" {
			fallback = "–"
		}
		help := strings.ReplaceAll(s.help, "|", "\\|")
		if s.secret {
			help += " (secret)"
		}
		fmt.Fprintf(w, "| `%s` | %s | %s | %s |\n", s.name, fallback, [...]string{"", "serve, mcp --remote", "serve, mcp"}[s.need], help)
	}
}
