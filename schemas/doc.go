// Package schemas is the wire contract: the Go structs of the six
// capabilities, exact money, the problem body, the strict JSON reader, and the
// JSON Schemas (2020-12) generated from those structs and compiled into
// validators. Both doors and the hub speak these types; nothing else describes
// a payload.
//
// It knows no door, no shop and no database (level 0: it imports no other
// package of this module). Read payload.go for what comes in, product.go,
// order.go and job.go for what goes out, then document.go and schema.go for how
// bytes become a checked value.
package schemas
