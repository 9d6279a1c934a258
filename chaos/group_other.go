//go:build !linux

package main

import (
	"os"
	"syscall"
)

// ownGroup is nothing special where the system has no process groups that a
// portable program could use.
func ownGroup() *syscall.SysProcAttr { return nil }

// killGroup kills the child; ours start no others.
func killGroup(pid int) {
	if child, err := os.FindProcess(pid); err == nil {
		_ = child.Kill()
	}
}
