// Package store keeps what must survive: jobs, their journal, what request ids
// and batch ids stand for, and which job holds which product or order. It runs
// on MySQL or MariaDB and, embedded, on SQLite, and gives the hub its Intake,
// JobReader and Ledger on one type, Store.
//
// It knows neither doors nor Redis nor the shop, and no rule of the business:
// which move of a job is allowed is asked of bridge.Moves, and what an intention
// is the hub decides. Each exported method is one transaction, and no
// transaction appears in an exported signature.
//
// Read migrations/ for the tables, transaction.go and dialect.go for what all
// methods share, accept.go and batch.go for how writes are taken in, claim.go
// and fence.go for how a job is in one worker's hands only.
package store
