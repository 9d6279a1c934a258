package main

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// flushTimes measures what one durable write costs on the disk of a folder.
func flushTimes(dir string) string {
	path := filepath.Join(dir, "flush")
	file, err := os.Create(path)
	if err != nil {
		return err.Error()
	}
	defer os.Remove(path)
	defer file.Close()
	block := make([]byte, 4096)
	var times []time.Duration
	for range 200 {
		began := time.Now()
		if _, err := file.Write(block); err != nil {
			return err.Error()
		}
		if err := syscall.Fdatasync(int(file.Fd())); err != nil {
			return err.Error()
		}
		times = append(times, time.Since(began))
	}
	took := microseconds(times)
	return fmt.Sprintf("p50 %.0f µs, p99 %.0f µs", took.quantile(0.5), took.quantile(0.99))
}
