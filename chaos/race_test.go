//go:build race

package main

// raceDetector is built into the nodes, too, when the tests have it.
const raceDetector = true
