// Package rest is the signed HTTP door: POST /oauth/token, the routes of
// bridge.Operations, and the documents and probes beside them.
//
// It translates and nothing else. Who calls, whether the bytes are the
// client's own, media types and compression are decided here; scopes, rates,
// policies, schemas and idempotency are the hub's, and the door only asks for
// them in the order the contract fixes. It must not know a store, a queue or a
// shop, and no rule about a payload may be written here.
//
// Read routes.go for what is served, entrance.go for the order in which a
// request is checked, problem.go for the one error body, openapi.go for how the
// door describes itself. The signing side of the same contract is package
// client.
package rest
