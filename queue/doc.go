// Package queue is what the bridge keeps in Redis: the stream that carries ids
// of accepted jobs to the workers, the cache of answers to replays, and the
// rate windows. With no Redis configured it starts one inside the process and
// uses it through the same code.
//
// All of it is expendable. The stream carries ids and nothing else; the
// database says what a job is and who may run it, so delivery is at least once
// and an acknowledgement only means that someone looked. Whatever Redis loses,
// the Runner's sweep of the database finds again. Hence this package must know
// no job beyond its id, no SQL, no door and no shop.
//
// Read open.go for what can be set, link.go for how an absent Redis is noticed
// and left alone, visits.go for how calls share round trips, stream.go and
// runner.go for the path of an id to a worker, replay.go and rate.go for the
// two caches.
package queue
