// Package egress makes HTTP calls to addresses that strangers chose: images an
// agent names, receivers of webhooks, client metadata documents. Such a caller
// must not be talked into reaching the private network, so every URL on the
// way is asked of the policies by its spelling, and every address again when it
// is dialled, after DNS has spoken.
//
// It knows nothing of what is fetched or sent. The shop's own client does not
// use it: the shop's address is the operator's word.
package egress
