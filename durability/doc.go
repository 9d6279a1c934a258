// Package durability holds the proof of the product's promise and nothing
// else: a write that was accepted reaches the shop exactly once whatever dies
// in between, or its job ends needs_review and says what is known.
//
// It consists of tests only. They wire the real parts together (hub, store,
// queue, shop client) against the stand-in shop, and then take them away: the
// worker at every event a job passes through, the shop's answers, Redis, the
// database, the clock. No other package may import it, and it must not know
// how a part works inside; it looks at what the shop counted, what the job
// says and what was logged.
//
// Start with world_test.go for how a case is set up and front_test.go for how a
// worker dies. kinds_test.go and faults_test.go are the rows and columns of the
// table in table_test.go; every other file is one subject, named for it.
package durability
