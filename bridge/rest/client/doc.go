// Package client is the signing side of the REST door: it fetches tokens,
// signs each request, compresses what must be compressed, and sends the same
// intention again under the same request id until it is answered.
//
// It knows the wire contract (bridge.Operations, schemas, auth) and must not
// know the hub behind it: whatever it can do, a handler in another language
// can do with the same documents. A 202 is an Accepted here and can never be
// read as a success; only a Finished can be one.
//
// Read client.go for the calls, request.go for what is signed, retry.go for
// what is tried again.
package client
