// Command bench measures the bridge on this machine and prints every figure
// beside its floor and its peers, all taken in turns in the same run, as
// Markdown. make bench runs it; docs/performance.md is made of its output.
//
// It is a module of its own, so that River, asynq and their drivers never enter
// the product's go.mod. It assembles servers of the product's own packages,
// which differ from each other in one part only, and knows nothing of
// cmd/bridge but the binary that it builds and runs. Start reading at parts in
// main.go; servers.go starts the databases, load.go sends the requests.
package main
