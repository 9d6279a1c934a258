// Package feed finds out what changed in the shops and has it told, whoever
// changed it. PrestaShop tells nobody anything, so it is watched: by the time of
// an object's last save where it has one, by comparing lists where it has not.
//
// Whatever says that an object may have changed only asks for a look at it;
// the looks are in the database, one for each object. A look reads the object
// anew, compares it with what the last look saw, and writes the events in the
// transaction that keeps what it saw. So a change is told once, no matter
// whether a job, a list or both spoke of it.
//
// This package must know no SQL, no HTTP and no door: shop and store are ports
// of the hub. Read watcher.go for what asks for looks, looker.go for the looks,
// and bridge/sighting.go for which topics a look fires.
package feed
