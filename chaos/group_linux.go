package main

import "syscall"

// ownGroup starts a child in a process group of its own, out of reach of the
// terminal's Ctrl-C, and has it killed should this program die without having
// stopped it.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// killGroup is kill -9 for a child and whatever it has started.
func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }
