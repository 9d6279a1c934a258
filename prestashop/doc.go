// Package prestashop speaks to a PrestaShop 9 shop through its webservice
// (/api). It reads products and orders, says at the door what would certainly
// fail, and lays out each write as steps: the state a call starts from, the
// call, and the read-back that tells after a crash whether the call was
// carried out. Every quirk of PrestaShop ends here; numbers such as "recording
// 408" in comments name exchanges recorded with a real 9.0.3.
//
// Three rules keep writes honest. Only the (method, resource) pairs of calls.go
// leave. A call is never repeated here: the engine of package bridge decides
// that, after Check. And an error says what it means for the shop's state
// (fault.go): certainly not executed, refused, not there, or unclear.
//
// Known limits. PrestaShop keeps no fingerprint of an image, so a second job
// with the same images adds them again. Selling a pack takes its parts off the
// stock without an order line, which a stock check in that moment cannot
// explain and leaves to a person. Combinations' own references are not
// searched by an import. A call that the shop carries out after Check has said
// "not applied" cannot be held back; the engine waits before it sends again.
//
// It must not know jobs' storage, doors, queues or policies' reasons; it asks
// package policies for verdicts and returns the vocabulary of package bridge.
//
// Read shop.go for the way in, client.go for the path of one call, fault.go for
// what its answer means, then update_product.go, stock.go, import_products.go
// and update_order_status.go for the writes.
package prestashop
