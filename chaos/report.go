package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prestashop-bridge/bridge/schemas"
)

// report is what a storm has shown.
type report struct {
	Seed          uint64          `json:"seed"`
	Seconds       float64         `json:"storm_seconds"`
	EndedAfter    float64         `json:"last_job_ended_after_seconds"`
	Kills         map[string]int  `json:"kills"`
	Quits         map[string]int  `json:"ended_by_themselves"`
	ShopFaults    map[string]int  `json:"shop_faults"`
	ClientCuts    int             `json:"client_connections_cut"`
	Answers       map[string]int  `json:"answers_to_writes"`
	Polls         map[string]int  `json:"answers_to_polls"`
	Sums          map[string]sums `json:"sums"`
	Resumed       spread          `json:"resumed"`
	ResumedCalm   spread          `json:"resumed_undisturbed"`
	NeverResumed  int             `json:"never_resumed"`
	Replayed      int             `json:"asked_again_and_answered_right"`
	ReviewReasons map[string]int  `json:"needs_review_reasons"`
	FailReasons   map[string]int  `json:"failed_reasons"`
	FaultCounts   map[string]int  `json:"fault_counts"`
	Faults        []string        `json:"faults"`
}

func (s *storm) report(findings []finding, cuts int, ended time.Duration) report {
	r := report{
		Seed: s.seed, Seconds: s.length.Seconds(), EndedAfter: ended.Seconds(),
		Kills: map[string]int{}, Quits: map[string]int{}, ShopFaults: s.weather.struckSoFar(), ClientCuts: cuts,
		Answers: s.ledger.answers, Polls: s.ledger.polls, Sums: s.ledger.sums(), Replayed: s.ledger.replayed,
		ReviewReasons: reasons(s.work, schemas.NeedsReview), FailReasons: reasons(s.work, schemas.Failed),
		FaultCounts: map[string]int{}, Faults: []string{},
	}
	for _, p := range s.site.processes {
		kills, quits := p.counts()
		r.Kills[p.kind] += kills
		r.Quits[p.kind] += quits
	}
	r.Resumed, r.ResumedCalm, r.NeverResumed = s.resumes.spreads()
	for _, f := range findings {
		r.FaultCounts[f.fault]++
		r.Faults = append(r.Faults, f.String())
	}
	return r
}

// String tells a finding with all that its job says.
func (f finding) String() string {
	text := f.fault + ": " + f.text
	if f.in == nil {
		return text
	}
	text += fmt.Sprintf("\n    %s, request %s, job %s", f.in.operation, f.in.requestID, f.in.jobID)
	if f.in.jobID == "" {
		return text
	}
	job, err := json.Marshal(f.in.job)
	if err != nil {
		return text
	}
	const readable = 3000
	return text + "\n    " + string(job[:min(len(job), readable)])
}

var digits = regexp.MustCompile(`[0-9]+`)

// reasons counts why jobs ended so, with every number taken out of the words.
func reasons(w *workload, status schemas.JobStatus) map[string]int {
	counts := map[string]int{}
	for _, in := range w.intentions {
		if in.job.Status == status && in.job.Error != nil {
			counts[in.operation+": "+digits.ReplaceAllString(in.job.Error.Message, "N")]++
		}
	}
	return counts
}

// print writes the report as a table.
func (r report) print(out io.Writer) {
	fmt.Fprintf(out, "\nchaos: seed %d, %.0f s of storm, last job ended at t+%.0f s\n\n", r.Seed, r.Seconds, r.EndedAfter)
	line := func(name, format string, args ...any) {
		fmt.Fprintf(out, "%-22s %s\n", name, fmt.Sprintf(format, args...))
	}
	line("kill -9", "%d: %s", total(r.Kills), counted(r.Kills, kinds))
	line("ended by themselves", "%s", counted(r.Quits, kinds))
	line("shop faults", "%d: %s", total(r.ShopFaults), counted(r.ShopFaults, sortedKeys(r.ShopFaults)))
	line("client connections", "%d cut", r.ClientCuts)
	line("answers to writes", "%s", counted(r.Answers, sortedKeys(r.Answers)))
	line("answers to polls", "%s", counted(r.Polls, sortedKeys(r.Polls)))
	fmt.Fprintf(out, "\n%-20s %8s %9s %10s %7s %13s %10s %5s %8s %11s\n", "", "sent", "accepted", "succeeded", "failed", "needs_review", "cancelled", "open", "refused", "unanswered")
	for _, name := range sortedKeys(r.Sums) {
		s := r.Sums[name]
		fmt.Fprintf(out, "%-20s %8d %9d %10d %7d %13d %10d %5d %8d %11d\n", orTotal(name),
			s.Sent, s.Accepted, s.Succeeded, s.Failed, s.NeedsReview, s.Cancelled, s.Open, s.Refused, s.Unanswered)
	}
	fmt.Fprintln(out)
	line("asked again", "%d of %d named the same job and did nothing", r.Replayed, r.Sums[""].Accepted)
	line("resumed", "%s", r.Resumed)
	line("  undisturbed", "%s", r.ResumedCalm)
	fmt.Fprintf(out, "  (from the kill -9 of a worker to the next claim of each job it held, seen every %s in the job\n"+
		"  table; lease %d s. Undisturbed: no other worker killed meanwhile, no database since one lease before.)\n", lookEvery, leaseSeconds)
	printReasons(out, "needs_review", r.ReviewReasons)
	printReasons(out, "failed", r.FailReasons)
	r.printFaults(out)
}

func (r report) printFaults(out io.Writer) {
	fmt.Fprintln(out)
	for _, name := range []string{faultDuplicate, faultMissing, faultLost, faultStray, faultOverlap, faultReplay, faultCrash, faultRefused} {
		fmt.Fprintf(out, "%-22s %d\n", name, r.FaultCounts[name])
	}
	for _, fault := range r.Faults {
		fmt.Fprintf(out, "\n  %s\n", fault)
	}
	if len(r.Faults) == 0 {
		fmt.Fprintln(out, "\nThe promise held.")
		return
	}
	fmt.Fprintf(out, "\nThe promise was broken %d times. The same schedule again: --seed %d\n", len(r.Faults), r.Seed)
}

func printReasons(out io.Writer, name string, reasons map[string]int) {
	for _, reason := range sortedKeys(reasons) {
		fmt.Fprintf(out, "%-22s %d × %s\n", name, reasons[reason], reason)
	}
}

func (s spread) String() string {
	return fmt.Sprintf("%d jobs: p50 %.1f s, p99 %.1f s, longest %.1f s", s.Count, s.P50, s.P99, s.Max)
}

func counted(counts map[string]int, names []string) string {
	parts := make([]string, len(names))
	for at, name := range names {
		parts[at] = fmt.Sprintf("%s %d", name, counts[name])
	}
	return strings.Join(parts, ", ")
}

func total(counts map[string]int) int {
	sum := 0
	for _, count := range counts {
		sum += count
	}
	return sum
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func orTotal(name string) string {
	if name == "" {
		return "total"
	}
	return name
}
