// Package bridge is the hub: the vocabulary (Actor, Operation, Job, Step,
// Error) and the use cases (read the shop, accept a write, tell a job's state,
// apply a job step by step), with the ports those use cases need.
//
// It knows no door, no SQL, no Redis and no PrestaShop: doors call Desk,
// workers call Worker, and everything outside is reached through the
// interfaces of ports.go. Nothing here branches on the door a request came
// through. Read operation.go for what can be asked, desk.go and accept.go for
// the path of a request, worker.go and engine.go for the path of a job.
package bridge
