// Package auth says who calls and whether the bytes are theirs: access tokens
// (RS256 JWT, RFC 9068), the RSA keys that sign them, client secrets, and the
// HMAC signature of a request. The doors use it to check, the signing client
// uses it to sign, so that both sides run the same lines.
//
// It knows no HTTP, no database, no clock of its own and no other package of
// this module: a caller hands in strings and the time, and gets a verdict.
// Read signature.go for what a client signs, token.go for what it carries,
// keys.go and keyfile.go for where the trust comes from.
package auth
