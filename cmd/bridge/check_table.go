package main

import "context"

// check is one row of the table from which the report, the JSON and
// docs/check.md are made.
type check struct {
	name   string
	proves string
	fix    string   // unless the finding knows a better one
	needs  []string // checks before it that must have passed
	run    func(s *site, ctx context.Context) finding
}

// checks are what must hold before a deployment goes live, in the order they
// run. The names are the contract of the JSON report.
var checks = []check{
	{"settings", "Every setting is there and well formed.",
		"Correct the settings named; bridge settings lists them.", nil, (*site).checkSettings},
	{"settings-fit", "The settings do not contradict each other.",
		"Change the settings named so that they agree.", []string{"settings"}, (*site).checkFit},
	{"own-secrets", "No secret is a published example, and none serves two purposes.",
		"Make new ones: openssl rand -hex 32.", []string{"settings"}, (*site).checkSecrets},
	{"tls", "Secrets and tokens cross no network in the clear.",
		"Use https URLs, or loopback behind a proxy that ends TLS.", []string{"settings"}, (*site).checkTLS},
	{"rs256-only", "A token of this deployment verifies; alg none, HS256 with the public key, foreign keys, expired tokens, other issuers and audiences are refused.",
		"Do not deploy: the token verification of this build is broken.", []string{"settings"}, (*site).checkTokens},
	{"hmac-example", "The six published signature examples come out to the byte.",
		"Do not deploy: the signatures of this build differ from the contract.", nil, (*site).checkSignatures},
	{"schemas", "Every published request body is valid, and a broken one of each operation is refused at the right place.",
		"Do not deploy: the schemas of this build differ from the contract.", nil, (*site).checkSchemas},
	{"database", "The database answers and has this program's tables.",
		"Check DATABASE_URL: that the server runs, that the user may work on the database.", []string{"settings"}, (*site).checkDatabase},
	{"file-modes", "Files that hold secrets or customers' data are their owner's alone.",
		"chmod 600 the files and chmod 700 the folder.", nil, (*site).checkFiles},
	{"redis", "Redis answers and carries the id of a job to a worker.",
		"Check REDIS_DSN: that the server runs (6.2 or newer) and that user and password are right.", []string{"settings"}, (*site).checkRedis},
	{"replay", "An answer is remembered in Redis, found again, and goes by itself.",
		"Let the Redis user run GET, SET, DEL and PEXPIRE on all keys.", []string{"redis"}, (*site).checkReplay},
	{"polling", "A job is polled from the database, and its request id is known there, after Redis has lost everything.",
		"Do not deploy: results would be lost with Redis.", []string{"database", "redis"}, (*site).checkPolling},
	{"double-delivery", "A job delivered many times at once has one effect, and a request id sent many times at once makes one job.",
		"Do not deploy on this database: it does not keep two workers apart (MySQL needs InnoDB).", []string{"database"}, (*site).checkDelivery},
	{"shop", "The shop's webservice answers to the key.",
		"Check PRESTASHOP_URL and PRESTASHOP_WS_KEY, and that the webservice is switched on.", []string{"settings"}, (*site).checkShop},
	{"clock", "This machine, the database and the shop agree on the time: within 5 s, and never more than 30 s apart.",
		"Set the clocks by NTP.", []string{"settings"}, (*site).checkClock},
	{"shop-version", "The shop is PrestaShop 8 or newer: older ones know no PATCH.",
		"Upgrade the shop to PrestaShop 8 or newer.", []string{"shop"}, (*site).checkVersion},
	{"shop-rights", "The key has every right the bridge uses, and no more.",
		"Change the key's rights in the back office: Advanced Parameters, Webservice.", []string{"shop"}, (*site).checkRights},
	{"shop-languages", "The shop's languages can be read.",
		"Grant the key GET on languages.", []string{"shop"}, (*site).checkLanguages},
	{"order-states", "The shop's order states can be read.",
		"Grant the key GET on order_states.", []string{"shop"}, (*site).checkStates},
	{"status-keys", "The PS_OS_* settings name the states behind the canonical status words.",
		"Restore the settings, or give each state its English name; a word without a state is refused.", []string{"order-states"}, (*site).checkStatusKeys},
	{"search-index", "It is known whether the shop's search follows changes.",
		"Switch indexing on (Shop Parameters, Search), or rebuild the index after imports.", []string{"shop"}, (*site).checkIndexing},
	{"multistore", "The shop has one store, or the one meant is the one of PRESTASHOP_URL.",
		"Make PRESTASHOP_URL the address of the one store the bridge is to work on, and limit the key to it.", []string{"shop"}, (*site).checkMultistore},
	{"write-test", "A change of stock by +1 and back goes the whole way, and the shop shows both. Only with `--write-test PRODUCT_ID`.",
		"Look at the job named: bridge jobs show JOB_ID.", []string{"database", "redis", "shop"}, (*site).checkWrite},
}
