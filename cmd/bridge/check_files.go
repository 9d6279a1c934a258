package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"
)

// guarded is a file or folder with the mode bits it must not have.
type guarded struct {
	what, path string
	forbidden  fs.FileMode
	chmod      string
}

// checkFiles looks at the modes of what is there. It needs no good settings:
// a settings file others can read is the very thing it is to find.
func (s *site) checkFiles(context.Context) finding {
	if runtime.GOOS == "windows" {
		return skip("Windows keeps access lists instead of modes: look at those of STATE_DIR and the settings file")
	}
	var wrong, fixes []string
	seen := 0
	for _, f := range s.guarded() {
		info, err := os.Stat(f.path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			wrong = append(wrong, fmt.Sprintf("%s cannot be looked at: %v", f.what, err))
			continue
		}
		seen++
		if info.Mode().Perm()&f.forbidden != 0 {
			wrong = append(wrong, fmt.Sprintf("%s %s has mode %04o", f.what, f.path, info.Mode().Perm()))
			fixes = append(fixes, "chmod "+f.chmod+" "+f.path)
		}
	}
	if len(wrong) > 0 {
		return fail("%s", strings.Join(wrong, "\n")).mend("%s", strings.Join(fixes, "\n"))
	}
	return pass("%d files and folders", seen)
}

// guarded lists what holds secrets or customers' data. The public keys may be
// read by all, but who can change them can forge tokens.
func (s *site) guarded() []guarded {
	const others, writers = fs.FileMode(0o077), fs.FileMode(0o022)
	envFile := s.envFile
	if envFile == "" {
		envFile = defaultEnvFile
	}
	list := []guarded{{"the settings file", envFile, others, "600"}}
	c := s.config
	if c.stateDir == "" { // the settings could not be read
		return list
	}
	list = append(list,
		guarded{"the state folder", c.stateDir, others, "700"},
		guarded{"the private key", c.privateKeyPath, others, "600"},
		guarded{"the public keys", c.publicKeyPath, writers, "644"},
		guarded{"the sealing key", c.secretsKeyPath, others, "600"},
	)
	if c.logPath != "" {
		list = append(list, guarded{"the log", c.logPath, others, "600"})
	}
	if path, isFile := strings.CutPrefix(c.databaseURL, "sqlite:"); isFile {
		if strings.HasPrefix(path, "///") {
			path = path[2:]
		}
		for _, side := range []string{"", "-wal", "-shm"} {
			list = append(list, guarded{"the database", path + side, others, "600"})
		}
	}
	return list
}
