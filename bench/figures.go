package main

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// figures are the values of one quantity, one a round.
type figures []float64

// median of the values; with an even number, the mean of the middle two.
func (f figures) median() float64 { return f.quantile(0.5) }

// quantile is the value below which the fraction q of all lies.
func (f figures) quantile(q float64) float64 {
	if len(f) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(f))
	place := q * float64(len(sorted)-1)
	below := int(place)
	if below == len(sorted)-1 {
		return sorted[below]
	}
	return sorted[below] + (place-float64(below))*(sorted[below+1]-sorted[below])
}

// against gives the ratios to another quantity, round by round: what disturbed
// a round disturbed both.
func (f figures) against(other figures) figures {
	var ratios figures
	for i := range min(len(f), len(other)) {
		ratios = append(ratios, f[i]/other[i])
	}
	return ratios
}

// minus gives the differences to another quantity, turn by turn.
func (f figures) minus(other figures) figures {
	differences := make(figures, min(len(f), len(other)))
	for i := range differences {
		differences[i] = f[i] - other[i]
	}
	return differences
}

// spread is how a report shows figures: median, and the range behind it.
func (f figures) spread(format string) string {
	if len(f) == 0 {
		return "–"
	}
	if len(f) == 1 {
		return fmt.Sprintf(format, f[0])
	}
	return fmt.Sprintf(format+" ("+format+"–"+format+")", f.median(), slices.Min(f), slices.Max(f))
}

// middle is the median alone.
func (f figures) middle(format string) string {
	if len(f) == 0 {
		return "–"
	}
	return fmt.Sprintf(format, f.median())
}

// milliseconds and microseconds turn durations into figures.
func milliseconds(times []time.Duration) figures {
	return inUnits(times, time.Millisecond)
}

func microseconds(times []time.Duration) figures {
	return inUnits(times, time.Microsecond)
}

func inUnits(times []time.Duration, unit time.Duration) figures {
	f := make(figures, len(times))
	for i, t := range times {
		f[i] = float64(t) / float64(unit)
	}
	return f
}
