//go:build race

package rest_test

// raceDetector multiplies memory and time, so what is measured is not ours.
const raceDetector = true
