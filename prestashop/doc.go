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
// It must not know jobs' storage, doors, queues or policies' reasons; it asks
// package policies for verdicts and returns the vocabulary of package bridge.
//
// Read shop.go for the way in, client.go for the path of one call, then
// update_product.go, stock.go, import_products.go and update_order_status.go
// for the writes.
package prestashop
