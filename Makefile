# make help lists the targets.
.DEFAULT_GOAL := help
GO ?= go
STATICCHECK := $(GO) tool -modfile=.ci/lint.mod staticcheck

.PHONY: help demo build test test-mcp test-login check generate fuzz chaos chaos-short bench bench-mcp bench-webhooks

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

demo: ## show the main job on the built-in shop
	$(GO) run ./cmd/bridge demo

build: ## build ./dist/bridge, one static binary
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags="-s -w" -o dist/bridge ./cmd/bridge

# bcrypt is slow by design, and thirty times slower under the race detector,
# which finds nothing in it: one caller's arithmetic on its own memory.
NORACE := -gcflags=golang.org/x/crypto/blowfish=-race=false

test: ## run every test with -race, on SQLite and on real MariaDB and Redis servers started for it
	.ci/in-memory .ci/services $(GO) test -race $(NORACE) -timeout 25m ./...
	$(GO) test ./costs
	@if command -v python3 >/dev/null; then python3 -m unittest discover -s examples/python; else echo "skipped: examples/python needs python3"; fi

test-mcp: ## drive a bridge with the official MCP clients and conformance suite (needs Node and npm)
	.ci/mcp-clients/run
test-login: ## official MCP clients log in through Chromium (installs it where it may; says why where it cannot)
	@.ci/connect/run; status=$$?; test $$status -eq 3 || exit $$status

check: ## format, vet, lint, module files
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$unformatted" || { echo "gofmt would change: $$unformatted"; exit 1; }
	$(GO) vet ./...
	$(GO) -C bench vet ./...
	$(STATICCHECK) ./...
	$(GO) mod tidy -diff
	$(GO) -C bench mod tidy -diff
	$(GO) mod verify
	.ci/openapi-lint

generate: ## rewrite what is made from code: schemas, settings, states, errors, snapshots
	$(GO) test ./cmd/bridge ./schemas ./bridge ./bridge/rest ./tools ./prestashop/sandbox ./webhooks -run 'Golden|Docs|Snapshot' -update
	$(GO) test ./evals -update

fuzz: ## fuzz everything that parses, 10 s each
	.ci/fuzz 10s

chaos: ## kill everything at random for ten minutes while 2,700 writes are sent, and count the effects (CHAOS=flags)
	$(GO) run ./chaos --for 10m $(CHAOS)

chaos-short: ## the same for a quarter of a minute
	$(GO) run ./chaos --short $(CHAOS)

bench-mcp: build ## time the MCP door beside a bare mcp-go server: starts and calls a second
	$(GO) run ./tools/bench --bridge dist/bridge

bench-webhooks: ## one event to 100 receivers, none and then 20 of them failing: what the healthy ones see
	$(GO) run ./webhooks/bench

bench: ## measure against floors and peers, in a quarter of an hour (BENCH=flags, such as --short)
	.ci/bench $(BENCH)
