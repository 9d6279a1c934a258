// Package costs holds what the bridge may spend on one request, one job and one
// capability: allocations, and calls to the shop. It consists of tests only.
//
// Times differ from machine to machine and from minute to minute, so no test
// measures one; these figures are the same everywhere, and each that grows
// makes the bridge slower. Whoever raises a ceiling here says why in
// docs/performance.md. What a call may ask of the database is held in
// store/cost_test.go and store/plan_test.go, beside the statements. No other
// package may import this one.
package costs
