//go:build race

package costs

// raceDetector allocates for itself.
const raceDetector = true
