package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// report writes Markdown as the run goes on, so that a run that is stopped has
// said what it knew.
type report struct{ out io.Writer }

func (r report) chapter(title string) { fmt.Fprintf(r.out, "\n## %s\n", title) }

func (r report) say(format string, arguments ...any) {
	fmt.Fprintf(r.out, "\n"+format+"\n", arguments...)
}

// table writes rows under a head; every cell but the first is a figure.
func (r report) table(head []string, rows [][]string) {
	fmt.Fprintf(r.out, "\n| %s |\n| ---%s |\n", strings.Join(head, " | "), strings.Repeat(" | ---:", len(head)-1))
	for _, row := range rows {
		fmt.Fprintf(r.out, "| %s |\n", strings.Join(row, " | "))
	}
}

// begin says where and on what the figures were taken.
func (r report) begin(ctx context.Context, b *bench) {
	fmt.Fprintf(r.out, "Taken %s with `make bench`, %d round(s), all contestants of a table in turns within each round. Figures are the median of the rounds, in brackets the least and the greatest; a ratio is the median of the ratios of the rounds.\n",
		time.Now().UTC().Format("2006-01-02 15:04 UTC"), b.rounds)
	if b.short {
		r.say("**A smoke test (`--short`): these figures mean nothing.**")
	}
	rows := [][]string{
		{"machine", fmt.Sprintf("%s, %d processors, %s memory, %s", processor(), runtime.NumCPU(), memory(), firstLine(ctx, "uname", "-sr"))},
		{"disk", diskOf(ctx, b.dir)},
		{"load before", loadAverage()},
		{"Go", runtime.Version()},
		{"MariaDB", firstLine(ctx, b.programs.mariadbd, "--no-defaults", "--version") + "; innodb_flush_log_at_trx_commit=1, binary log off, buffer pool 256 MB, read committed"},
		{"SQLite", "modernc.org/sqlite " + versionOf("modernc.org/sqlite") + "; WAL, synchronous=FULL"},
		{"Redis", firstLine(ctx, b.programs.redis, "--version") + "; the bridge's keeps nothing (it is expendable), asynq's AOF always or everysec"},
		{"PostgreSQL", firstLine(ctx, b.programs.postgres, "--version") + "; fsync=on, synchronous_commit=on, shared_buffers=256MB"},
		{"peers", "River " + versionOf("github.com/riverqueue/river") + ", asynq " + versionOf("github.com/hibiken/asynq")},
	}
	r.table([]string{"what", "which"}, rows)
	r.say("Databases, servers and the load generator share the processors.")
}

func firstLine(ctx context.Context, command string, arguments ...string) string {
	said, err := exec.CommandContext(ctx, command, arguments...).Output()
	if err != nil {
		return "unknown"
	}
	line, _, _ := strings.Cut(strings.TrimSpace(string(said)), "\n")
	return line
}

// processor is the model the system names.
func processor() string {
	return fieldOf("/proc/cpuinfo", "model name")
}

func memory() string { return fieldOf("/proc/meminfo", "MemTotal") }

// fieldOf reads one line of a file of "name : value" lines.
func fieldOf(path, name string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(text)) {
		if key, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(text))[:3], " ")
}

// diskOf names the file system of a folder and times its flushes: they bound
// what any durable write can cost.
func diskOf(ctx context.Context, dir string) string {
	return firstLine(ctx, "stat", "-f", "-c", "%T", dir) + "; 4 KB write and fdatasync, one at a time: " + flushTimes(dir)
}

// versionOf is the version of a module in this binary.
func versionOf(module string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, dependency := range info.Deps {
		if dependency.Path == module {
			return dependency.Version
		}
	}
	return "unknown"
}
