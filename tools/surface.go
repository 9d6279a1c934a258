package tools

// SurfaceVersion numbers what a model sees of this door before it calls
// anything: the tools with their schemas and hints, the instructions, the
// prompts and the resources. A host may have shown, approved or cached one
// surface, so a changed one must not pass for the same: testdata/surface holds
// the snapshots and versions.txt the fingerprint of each version, and a test
// fails when the snapshots change and this number does not.
const SurfaceVersion = 1
