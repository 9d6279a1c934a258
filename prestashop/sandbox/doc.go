// Package sandbox is a stand-in PrestaShop 9: a small shop kept in memory and
// served through the webservice under /api, with the quirks of a real 9.0.3.
//
// It exists so that the bridge can be shown without a shop, and so that tests
// can put the shop into states a real one reaches only by bad luck: an answer
// lost after the write, a write applied after the client gave up, a request
// executed twice. It counts every effect, so a test can say "exactly once".
//
// The behaviour is held to exchanges recorded from a real shop, kept in
// testdata/recordings and replayed in order by the tests. Numbers in comments,
// such as (125), are recording numbers. Where the recordings leave a gap, the
// sandbox follows the rules of the shop's own object model; docs/sandbox.md
// lists what is deliberately different.
//
// It must know nothing of the bridge: no package of this module is imported,
// and nothing in here is shaped by what the bridge happens to send.
//
// Where to read next: shop.go for the way in, webservice.go for the path of one
// request, field.go for how resources are described, faults.go for the
// switches, effects.go for the counters.
package sandbox
