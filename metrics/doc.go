// Package metrics counts what the program does, for Prometheus: requests and
// what became of them, jobs, steps, calls to the shop, and the state of the
// parts when it is asked.
//
// It hears of things through bridge.Observer and plain functions, so that no
// other part knows Prometheus, and it knows neither store, queue nor shop. No
// label is ever taken from what a client or a shop can choose: each has a
// closed set of values, and whatever is not in it counts as "other". Read
// metrics.go for the list, census.go for what is read at each scrape.
package metrics
