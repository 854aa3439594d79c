# Each target sets up what it needs by itself: Node and npm, Go, make and apt are all that a machine must have.
.DEFAULT_GOAL := help
.PHONY: help setup demo test bench bench-pipeline bench-planner bench-cardinality bench-metrics bench-dashboards load check format generate simulate e2e e2e-failover e2e-scale e2e-up e2e-down
export BESIDE N ONLY LONG SEED SEEDS START TRACE FAULTS STRIKES SHRINK MUTATIONS
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' Makefile

setup: ## Install npm packages and the pinned Node
	@scripts/setup packages

demo: setup ## Live ticks with Greeks from a simulated broker; Ctrl-C ends it (QUICK=1: prove it and end)
ifeq ($(QUICK),1)
	@node scripts/demo.ts
else
	@if [ -t 0 ]; then set -m; fi; bin/ticker-operator standalone -f samples/ --print
endif

test: setup ## Type check, lint and every test but those on kind
	@scripts/setup redis chromium python kubernetes helm prometheus specification
	@scripts/test

bench: setup ## The hot path beside its peers (QUICK=1: under 50 s; CHECK=1: fail where a ratio misses its goal)
	@scripts/setup redis python
	@NODE_COMPILE_CACHE=node_modules/.cache/node node bench/main.ts

load: setup ## The shard under load and failure, every tick accounted for (QUICK=1: under 50 s; ONLY=fault,cost)
	@scripts/setup redis
	@NODE_COMPILE_CACHE=node_modules/.cache/node node bench/load/main.ts

bench-pipeline: setup ## A tick from a frame's bytes to a sealed batch, nanoseconds (BESIDE=folder: another checkout in the same process)
	@node bench/pipeline.ts

bench-planner: setup ## The planner at 1,000,000 instruments, the operator at 100,000 (CHECK=1: fail where a goal is missed)
	@node bench/planner/main.ts

bench-cardinality: setup ## Series and scrape time of a shard with 5,000 and with 100,000 instruments, by a real Prometheus
	@scripts/setup prometheus
	@node bench/monitoring/cardinality.ts

bench-metrics: setup ## What metrics cost on the hot path, by switching them off (QUICK=1: a minute)
	@scripts/setup redis
	@node bench/monitoring/cost.ts

bench-dashboards: setup ## All queries of the fleet dashboard against a generated day of 10 shards (CHECK=1: fail above 2 s)
	@scripts/setup prometheus
	@node bench/monitoring/dashboards.ts

simulate: setup ## Simulate failures from seeds: SEEDS=200 [START=1], or one: SEED=n [TRACE=1] [FAULTS=name:perHour,...] [STRIKES=id,...] [SHRINK=1]; MUTATIONS=16: deliberate bugs
	@NODE_COMPILE_CACHE=node_modules/.cache/node node simulation/main.ts

e2e: setup ## The product on a kind cluster: makes it, tests, deletes it (ONLY=pattern; E2E_KUBECONFIG=file for any cluster)
	@e2e/run test $(subst |, ,$(ONLY))

e2e-failover: setup ## How long ticks are away when something dies: N=10 [ONLY=case] [LONG=300, seconds of the long cases]
	@e2e/run failover

e2e-scale: setup ## 100,000 instruments through a real API server: time, requests, memory, writes at rest (CHECK=1: fail where there are any)
	@scripts/setup redis kubernetes
	@node e2e/scale/main.ts

e2e-up: setup ## Make a kind cluster of three nodes, with or without Docker, and keep it
	@e2e/kind/cluster up

e2e-down: ## Delete that cluster, and all that it left on the machine
	@e2e/kind/cluster down

check: setup ## Type check and lint
	@tsc && biome check .

format: setup ## Format and apply safe fixes
	@biome check --write .

generate: setup ## Write CRD YAML and docs/reference anew from their sources
	@node scripts/generate.ts
