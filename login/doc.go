// Package login is the door for people: the authorization endpoint with its
// two pages, where an operator logs in and decides what an app may do in their
// name (RFC 6749 §4.1, OAuth 2.1, RFC 9700), and the fetching of what such apps
// publish about themselves.
//
// Pages work without scripts and carry none. The door keeps nothing: a login
// stands in a sealed cookie, an authorization request in its own URL, and what
// was granted goes to the hub's Grantor. It knows no token: those are made at
// the REST door's token endpoint. Start at door.go; request.go is what is
// checked before anybody is shown anything or sent anywhere.
package login
