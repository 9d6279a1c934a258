// Package webhooks delivers events to the addresses that clients registered:
// signed in two dialects (Standard Webhooks and Youhaosuda's), at least once,
// in order for each webhook and object, tried again for a day and a half.
//
// The database is the source: it says what is due and who holds it, so any
// number of nodes may run an Engine, and one that dies loses nothing. This
// package must know no SQL, no door and no shop, and it opens no connection of
// its own: every call goes through package egress, which keeps it out of the
// private network.
//
// Read engine.go for what is sent when, receivers.go for why one receiver does
// not delay another, attempt.go for what an answer means, sign.go and
// encode.go for what is on the wire.
package webhooks
