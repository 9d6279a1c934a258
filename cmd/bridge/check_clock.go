package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// The window of a signature is 30 s: a clock that far off refuses everybody.
// Leases and the order of history rows suffer earlier.
const (
	skewOdd  = 5 * time.Second
	skewFail = 30 * time.Second
)

// checkClock compares this machine's clock with the database's and the shop's,
// as far as those can be asked; the checks of the two say when they cannot.
func (s *site) checkClock(ctx context.Context) finding {
	worst, said := time.Duration(0), []string{}
	note := func(whose string, skew time.Duration) {
		worst = max(worst, skew.Abs())
		said = append(said, fmt.Sprintf("%s %+.1f s", whose, skew.Seconds()))
	}
	if s.store != nil {
		asked := time.Now()
		at, err := s.store.Clock(ctx)
		if err != nil {
			return fail("the database does not tell the time: %v", err)
		}
		note("database", at.Sub(middle(asked, time.Now())))
	}
	if survey := s.survey; !survey.Date.IsZero() {
		// A Date header has whole seconds: half of one has passed on average.
		note("shop", survey.Date.Add(time.Second/2).Sub(middle(survey.Asked, survey.Answered)))
	}
	switch {
	case len(said) == 0:
		return skip("neither the database nor the shop tells the time")
	case worst > skewFail:
		return fail("seen from here: %s", strings.Join(said, ", "))
	case worst > skewOdd:
		return warn("seen from here: %s", strings.Join(said, ", "))
	}
	return pass("seen from here: %s", strings.Join(said, ", "))
}

// middle is the best guess when, between a question and its answer, the clock
// was read.
func middle(asked, answered time.Time) time.Time { return asked.Add(answered.Sub(asked) / 2) }
