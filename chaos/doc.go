// Command chaos proves the product's promise on real processes: what the
// bridge accepted reaches the shop exactly once whatever dies in between, or
// its job says that it cannot know.
//
// It starts MariaDB, Redis, two REST nodes and two workers, kills them with
// kill -9 by a seeded schedule, lets the shop's answers get lost, cuts its own
// connections, and meanwhile sends imports, stock differences and status
// changes as a careful client would: again under the same request id until
// answered. At the end it adds up what was accepted, how the jobs ended and
// what the shop holds. It exits 1 on any duplicate, missing effect, lost job or
// overlap of two writes.
//
// It must not know how the bridge works inside: it talks to the binary over
// HTTP, and reads the job table only to see who held a job and whether any job
// is there that nobody asked for. The shop is prestashop/sandbox inside this
// program, so that its counters outlive every kill.
//
// Read storm.go for the course of a run, intentions.go for what is sent and how
// each effect can be told from all others, tally.go for the sums.
package main
