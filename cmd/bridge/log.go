package main

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"
)

// openLog makes the program's logger: JSON lines on stderr, or in LOG_PATH. Values under names that sound like secrets never reach it.
func openLog(c config, stderr io.Writer) (*slog.Logger, func(), error) {
	out, closeLog := stderr, func() {}
	if c.logPath != "" {
		file, err := openLogFile(c.logPath, c.logMaxBytes, c.logKeep, time.Now)
		if err != nil {
			return nil, nil, fmt.Errorf("LOG_PATH cannot be written: %w", err)
		}
		out, closeLog = file, func() { _ = file.Close() }
	}
	return slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{ReplaceAttr: hideSecrets})), closeLog, nil
}

// secretWords mark attribute names whose values are not written.
var secretWords = []string{"secret", "password", "token", "authorization", "signature", "dsn", "ws_key"}

func hideSecrets(_ []string, a slog.Attr) slog.Attr {
	name := strings.ToLower(a.Key)
	for _, word := range secretWords {
		if strings.Contains(name, word) {
			return slog.String(a.Key, "[hidden]")
		}
	}
	return a
}
