# Few verbs, each of which installs what it needs. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
CACHE := $(or $(CAKE_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/cake-operator)
UV := $(CACHE)/uv/bin/uv
PY := .venv/bin/python
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: help env lock generate lint test test-unit test-engine test-cluster test-chart test-dashboards test-images test-e2e test-faults cluster docs docs-look screenshots demo dist cluster-down clean bench-ttft bench-core bench-idle bench-store bench-quality bench-control bench-operator bench-claim bench-gpu

help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'

env: .venv/.stamp ## The Python environment (vLLM for CPUs, the operator, tools), pinned with hashes, in .venv

$(UV):
	scripts/debian-packages
	python3 -m venv $(CACHE)/uv && $(CACHE)/uv/bin/pip install -q 'uv>=0.9,<1'

.venv/.stamp: requirements/cpu.txt pyproject.toml | $(UV)
	scripts/debian-packages
	$(UV) venv -q --allow-existing --python python3.11 .venv
	VIRTUAL_ENV=.venv $(UV) pip sync -q --require-hashes --compile-bytecode requirements/cpu.txt
	VIRTUAL_ENV=.venv $(UV) pip install -q --no-deps --no-build-isolation -e .
	touch $@

lock: | $(UV) ## Resolve requirements/*.in anew and write the lock files
	UV=$(UV) scripts/lock

generate: env ## Write crds/, the chart's copy of them and docs/reference from the code
	$(PY) scripts/generate

lint: env ## Style, types, layers, and that generated files are fresh
	scripts/lint

test-unit: env ## Pure parts, in a minute
	$(PY) -m pytest -n 2 tests/unit

.venv/triton/.stamp: requirements/triton.txt .venv/.stamp
	rm -rf $(@D)
	$(UV) pip install -q --python $(PY) --require-hashes --no-deps --target $(@D) -r $<
	touch $@

# A release of which the package index has no CPU build: its Python over the CPU kernels of the one that is installed.
.venv/vllm-%/.stamp: requirements/vllm-%.txt .venv/.stamp
	rm -rf $(@D)
	$(UV) pip install -q --python $(PY) --require-hashes --no-deps --target $(@D) -r $<
	rm -r $(@D)/*.dist-info
	find $(@D) -name '*.so' -delete
	cd .venv/lib/python3.11/site-packages && cp -l --parents vllm/*.so $(CURDIR)/$(@D)
	touch $@

test-engine: env .venv/triton/.stamp $(if $(VLLM),.venv/vllm-$(VLLM)/.stamp) ## Real vLLM in process: token-for-token equality with plain compute (VLLM=0.33: on that release)
	VLLM=$(VLLM) scripts/test-engine $(ARGS)

cluster: env ## Build (once) what a local cluster needs
	$(PY) -m tests.localcluster build

test-cluster: cluster ## A real API server without a node: CRD, operator, chart
	scripts/test-cluster

test-dashboards: cluster ## What test-unit and test-cluster have about dashboards and alerts, alone
	$(PY) -m pytest tests/unit/dashboards tests/cluster/test_dashboards.py tests/cluster/test_slo_rules.py tests/cluster/test_fleet_rules.py

test-e2e: cluster ## A real node with real pods: the chart, one small CakeDeployment, up, retuned, scaled, deleted
	$(PY) -m pytest tests/e2e

test: lint docs test-unit test-engine test-cluster test-e2e ## Everything, on a bare machine

test-faults: cluster ## The operator under 229 seeded faults on a real API server, as a table (15 min; ARGS="--fault SIGKILL --seed 3")
	$(PY) -m tests.faults $(ARGS)

demo: cluster ## A serving fleet on this machine; KEEP=1 leaves it running
	$(PY) -m demo $(if $(KEEP),--keep)

test-chart: cluster ## The chart alone: values, renderings, a real API server; part of test-cluster
	scripts/test-cluster tests/cluster/test_chart*.py tests/cluster/test_foreign_kinds.py

test-images: cluster ## The two Dockerfiles, built by Debian's buildah and run (root)
	$(PY) -m pytest tests/images

docs: env ## The documentation as a site, in build/site; a link that leads nowhere fails it
	NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build

docs-look: docs ## Every page of the site in headless Chromium: nothing missing, nothing fetched from elsewhere
	$(PY) -m browser build/site

screenshots: env ## docs/images/dashboards from the demo that runs: make screenshots PROMETHEUS=http://localhost:PORT
	$(PY) -m dashboards $(PROMETHEUS) build/dashboards --namespace cake-demo --deployment chat --claim kv \
	  --minutes $(or $(MINUTES),15) --rate-interval 15s
	mkdir -p docs/images/dashboards
	cp build/dashboards/*.png docs/images/dashboards/

bench-ttft: env ## TTFT of Cake, of each resource alone and of the best possible, in a real vLLM (25 min; ARGS=--quick: 3)
	$(PY) -m benchmarks.ttft $(ARGS)

bench-core: env ## The pure plan on a virtual clock, against the best possible and the paper's tables (3 min)
	$(PY) -m benchmarks.core $(ARGS)

bench-idle: env ## What Cake costs while it has nothing to do: per step, and in memory over 10,000 requests (10 min)
	$(PY) -m benchmarks.idle $(ARGS)

bench-store: env ## The file tier on this disk: rates over the disk's, look-ups, collecting, faults (20 min; ARGS=--quick: 1)
	$(PY) -m benchmarks.store $(ARGS)

bench-quality: env ## What each codec does to a real model's next tokens and answers, over bytes (20 min; ARGS=--quick: 6)
	$(PY) -m benchmarks.quality $(ARGS)

bench-control: env ## Scaling, balance, retention and the paper's tables on the simulator (20 min of two cores; ARGS="--trace FILE" for the whole hour)
	$(PY) -m benchmarks.control $(ARGS)

bench-operator: cluster ## The operator with 10, 100 and 1000 resources on a real API server (13 min; ARGS=--quick: 2)
	$(PY) -m benchmarks.operator $(ARGS)

bench-claim: cluster ## Two CakeDeployments on one slow claim of a real node: default, fixed settings, ours (20 min; needs root)
	$(PY) -m benchmarks.claim $(ARGS)

bench-gpu: env ## Cake with torch alone on a GPU: exactness, curves, TTFT beside the paper's tables (30 min; without a GPU a tiny model: 4)
	$(PY) -m benchmarks.gpu $(ARGS)

dist: env ## What a release has beside its images, in dist/: wheel, chart, bill of materials
	scripts/dist

cluster-down: env ## End the local cluster and everything it started
	$(PY) -m tests.localcluster down

clean: ## Remove what was made in this checkout (the cache stays)
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache
