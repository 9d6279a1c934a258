// Package policies holds the refusal rules of the bridge as pure functions: an
// intention in, a verdict out. Every door asks the same Book, so a rule cannot
// hold at one door and not at another.
//
// It knows no clock, no network, no database, no shop and no other package of
// this module. Its verdicts come before the schema check and read the raw
// payload, however strangely it is spelt: a schema would refuse most of it
// too, but as an unknown field, and an agent told "unknown field" tries the
// next spelling while an agent told the rule stops.
//
// Read rules.go for the seven rules, members.go and spelling.go for how a
// payload is read, prices.go, reach.go, addresses.go and requests.go for the
// checks, network.go for what is public, and statuses.go and transitions.go
// for orders.
package policies
