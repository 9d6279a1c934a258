package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// diary is a log file in a folder of its own, with a clock that tests move.
type diary struct {
	*testing.T
	path string
	now  time.Time
	*logFile
}

func openDiary(t *testing.T, most int64) *diary {
	t.Helper()
	d := &diary{T: t, path: filepath.Join(t.TempDir(), "bridge.log"), now: time.Now().UTC()}
	d.logFile = d.another(most)
	return d
}

// another opens the same file, as a second process would.
func (d *diary) another(most int64) *logFile {
	d.Helper()
	l, err := openLogFile(d.path, most, 30*24*time.Hour, func() time.Time { return d.now })
	if err != nil {
		d.Fatal(err)
	}
	d.Cleanup(func() {
		if err := l.Close(); err != nil {
			d.Error(err)
		}
	})
	return l
}

func (d *diary) note(l *logFile, line string) {
	d.Helper()
	d.now = d.now.Add(time.Microsecond) // two files are never put aside at once
	if n, err := l.Write([]byte(line + "\n")); err != nil || n != len(line)+1 {
		d.Fatalf("wrote %d bytes: %v", n, err)
	}
}

// files gives the contents in the order the files were begun.
func (d *diary) files() (contents []string) {
	d.Helper()
	names, err := filepath.Glob(d.path + ".*")
	if err != nil {
		d.Fatal(err)
	}
	slices.Sort(names)
	for _, name := range append(names, d.path) {
		raw, err := os.ReadFile(name)
		if err != nil {
			d.Fatal(err)
		}
		info, err := os.Stat(name)
		if err != nil || info.Mode().Perm() != 0o600 {
			d.Errorf("%s has mode %v, %v", name, info.Mode(), err)
		}
		contents = append(contents, strings.TrimSpace(strings.ReplaceAll(string(raw), "\n", " ")))
	}
	return contents
}

func (d *diary) expect(want ...string) {
	d.Helper()
	if got := d.files(); !slices.Equal(got, want) {
		d.Errorf("files %q, want %q", got, want)
	}
}

func TestLogTurnsWhenFull(t *testing.T) {
	d := openDiary(t, 10)
	for _, line := range []string{"1234", "5678", "9", "a line longer than a file", "b"} {
		d.note(d.logFile, line)
	}
	d.expect("1234 5678", "9", "a line longer than a file", "b")
}

func TestLogTurnsEachDayAndForgetsTheOld(t *testing.T) {
	d := openDiary(t, 1000)
	stranger := d.path + ".gz"
	if err := os.WriteFile(stranger, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for day := range 40 {
		d.note(d.logFile, fmt.Sprint("day ", day))
		d.now = d.now.Add(24 * time.Hour)
	}
	if err := os.Remove(stranger); err != nil {
		t.Errorf("a file that is not ours was removed: %v", err)
	}
	got := d.files()
	if len(got) < 30 || len(got) > 32 || got[len(got)-1] != "day 39" {
		t.Errorf("%d files, the last %q", len(got), got[len(got)-1])
	}
}

// A program that starts again after midnight does not write into yesterday's
// file.
func TestLogOfYesterdayIsPutAsideAtStart(t *testing.T) {
	d := openDiary(t, 1000)
	d.note(d.logFile, "yesterday")
	d.now = d.now.Add(24 * time.Hour)
	d.note(d.another(1000), "today")
	d.expect("yesterday", "today")
}

// What logrotate moves away is not written to any more, and copytruncate works.
func TestLogFollowsItsPath(t *testing.T) {
	d := openDiary(t, 1000)
	d.note(d.logFile, "one")
	if err := os.Rename(d.path, d.path+".1"); err != nil {
		t.Fatal(err)
	}
	d.note(d.logFile, "two")
	d.expect("one", "two")
	if err := os.Truncate(d.path, 0); err != nil {
		t.Fatal(err)
	}
	d.note(d.logFile, "three")
	d.expect("one", "three")
}

// Two programs on one path lose no line, whoever turns the file.
func TestTwoProgramsShareALog(t *testing.T) {
	d := openDiary(t, 8)
	other := d.another(8)
	for i := range 6 {
		d.note(d.logFile, fmt.Sprint("a", i))
		d.note(other, fmt.Sprint("b", i))
	}
	if got := strings.Join(d.files(), " "); got != "a0 b0 a1 b1 a2 b2 a3 b3 a4 b4 a5 b5" {
		t.Errorf("got %s", got)
	}
}

func TestLogPathThatCannotBeWritten(t *testing.T) {
	if _, _, err := openLog(config{logPath: filepath.Join(t.TempDir(), "absent", "bridge.log")}, os.Stderr); err == nil || !strings.Contains(err.Error(), "LOG_PATH") {
		t.Errorf("got %v", err)
	}
	d := openDiary(t, 1000)
	d.note(d.logFile, "one")
	if err := os.Remove(d.path); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(d.path, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Write([]byte("two\n")); err == nil {
		t.Error("a folder was written to")
	}
	if err := os.Remove(d.path); err != nil {
		t.Fatal(err)
	}
	d.note(d.logFile, "three")
	if _, err := os.Stat(d.path); err != nil {
		t.Errorf("the log did not come back: %v", err)
	}
}
