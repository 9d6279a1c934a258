// Package remote is the desk of a bridge that runs elsewhere: it offers a local
// door the methods of bridge.Desk and carries each request to the REST door of
// that bridge, with a token and signatures it makes itself, so that whoever
// talks to the local door never sees a secret.
//
// It decides nothing that the other bridge can decide: payloads go as they
// came, verdicts come back as they were given. It believes no answer it cannot
// check: one of another kind, for another id, cut short, or with a success
// that no ended job stands behind becomes bridge_unavailable. It knows the wire
// contract through bridge/rest/client, and no MCP, no database and no shop.
//
// Read desk.go for the calls, follow.go for the waiting, verdict.go for what a
// failure is called.
package remote
