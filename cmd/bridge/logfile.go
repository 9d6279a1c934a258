package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// logFile appends lines to LOG_PATH, mode 600, and begins a new file each day
// (UTC) and whenever the present one is full; the old ones are named after the
// moment they were put aside and removed when they are too old. It looks at
// the path before each line: what logrotate or another bridge on the same path
// has moved away is left alone, and no signal is needed.
type logFile struct {
	path string
	most int64         // bytes
	keep time.Duration // of what is put aside
	now  func() time.Time

	mu   sync.Mutex
	file *os.File
	mine fs.FileInfo // of file as it was opened: which one it is
	day  string      // of the newest line
}

// asideLayout is the ending of a file put aside; it sorts by time.
const asideLayout = "20060102T150405.000000Z"

func openLogFile(path string, most int64, keep time.Duration, now func() time.Time) (*logFile, error) {
	l := &logFile{path: path, most: most, keep: keep, now: now}
	if err := l.open(); err != nil {
		return nil, err
	}
	if l.mine.Size() > 0 {
		l.day = dayOf(l.mine.ModTime())
	}
	l.prune()
	return l, nil
}

// Write appends one line. A line is never split over two files, and none is
// lost for a file that cannot be put aside.
func (l *logFile) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	present, err := os.Stat(l.path)
	if err != nil || !os.SameFile(l.mine, present) {
		if err := l.open(); err != nil {
			return 0, err
		}
		present = nil
	}
	today := dayOf(l.now())
	if present != nil && present.Size() > 0 && (l.day != today || present.Size()+int64(len(line)) > l.most) {
		if err := l.turn(); err != nil {
			return 0, err
		}
	}
	l.day = today
	return l.file.Write(line)
}

// Close ends the file.
func (l *logFile) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}

// open opens the file at the path, in place of the one that is open.
func (l *logFile) open() error {
	file, err := os.OpenFile(l.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	mine, err := file.Stat()
	if err != nil {
		return errors.Join(err, file.Close())
	}
	if l.file != nil {
		_ = l.file.Close() // appended lines are with the system already
	}
	l.file, l.mine = file, mine
	return nil
}

// turn puts the present file aside and begins a new one.
func (l *logFile) turn() error {
	if os.Rename(l.path, l.path+"."+l.now().UTC().Format(asideLayout)) != nil {
		return nil // go on in the old one
	}
	l.prune()
	return l.open()
}

// prune removes the files put aside that are too old. Others of a similar name
// are not ours.
func (l *logFile) prune() {
	others, _ := filepath.Glob(l.path + ".*") // the only error is a bad pattern, which finds nothing
	for _, name := range others {
		aside, err := time.Parse(asideLayout, strings.TrimPrefix(name, l.path+"."))
		if err == nil && l.now().Sub(aside) > l.keep {
			_ = os.Remove(name) // the next turn tries again
		}
	}
}

func dayOf(t time.Time) string { return t.UTC().Format(time.DateOnly) }
