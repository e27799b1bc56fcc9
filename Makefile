# Everything a person needs to run, test and build kak-server. Each target does its own set-up and remembers it in
# .stamps/, so that the second run starts at once. `make help` lists the targets.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
STAMPS := .stamps
NPM := scripts/with-node.sh $(BIN)/python $(STAMPS)/node npm --prefix web
PYTEST := $(BIN)/python -m pytest
SOURCES := src tests fuzz $(if $(wildcard bench/*.py),bench)
HOST ?=
LAB_ARGS ?=
FUZZ_SECONDS ?= 600
FUZZ_TARGETS ?=
SIM_SECONDS ?= 600

WEB_SOURCES := $(shell find web -type f -not -path '*/node_modules/*' -not -path 'web/dist/*' 2>/dev/null)

.PHONY: help lab test test-fast properties e2e soak fuzz sim sim-national mutants lint format types imports python-lint web-check lock docs clean setup

help: ## this list
	@grep -hE '^[a-z0-9%-]+:.*?## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# --- set-up, each part once ------------------------------------------------------------------------------------------

$(STAMPS)/system-lab: scripts/setup.sh
	@scripts/setup.sh lab
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/system-test: scripts/setup.sh
	@scripts/setup.sh test
	@mkdir -p $(STAMPS) && touch $@ $(STAMPS)/system-lab

$(STAMPS)/venv: requirements.lock pyproject.toml scripts/venv.sh | $(STAMPS)/system-lab
	@scripts/venv.sh $(VENV)
	@touch $@

$(STAMPS)/native: scripts/native.sh $(wildcard src/kak_server/media/engine/native/*.[ch]) | $(STAMPS)/venv
	@scripts/native.sh $(BIN)/python
	@touch $@

$(STAMPS)/npm: web/package.json web/package-lock.json scripts/with-node.sh | $(STAMPS)/venv
	@echo "setup: packages of the console"
	@$(NPM) ci --no-audit --no-fund
	@touch $@

$(STAMPS)/web: $(WEB_SOURCES) $(STAMPS)/npm
	@echo "setup: building the console"
	@$(NPM) run --silent build
	@touch $@

setup: $(STAMPS)/venv $(STAMPS)/native $(STAMPS)/web ## all that `make lab` sets up, without starting anything

# --- running ---------------------------------------------------------------------------------------------------------

lab: $(STAMPS)/venv $(STAMPS)/native $(STAMPS)/web ## the whole lab: server, media worker, radio network, callers (HOST=name for https)
	@exec $(BIN)/kak-server lab $(if $(HOST),--host $(HOST)) $(LAB_ARGS)

# --- checking --------------------------------------------------------------------------------------------------------

test: $(STAMPS)/system-test $(STAMPS)/native $(STAMPS)/web ## everything: lint, types, imports, console, tests, end-to-end tests
	$(MAKE) --no-print-directory --output-sync=target -j 2 python-lint types imports web-check
	$(PYTEST) -n 4 --dist loadgroup -m "not e2e and not alone" --durations=15
	$(PYTEST) -n 3 --dist loadfile -m "e2e and not soak and not alone" --durations=10
	$(PYTEST) -n 0 -m "alone and not soak" --durations=5

test-fast: $(STAMPS)/venv $(STAMPS)/native ## unit, property and tidy tests only
	$(PYTEST) -n 2 --dist loadgroup -m "not e2e and not real_peer" tests/unit tests/properties tests/tidy

properties: $(STAMPS)/venv $(STAMPS)/native ## random histories with fresh examples, more of them (`make test`: always the same)
	KAK_FRESH_EXAMPLES=1 KAK_HOUSE_EXAMPLES=400 $(PYTEST) -n 2 --dist loadgroup tests/properties

e2e: $(STAMPS)/system-test $(STAMPS)/venv $(STAMPS)/native $(STAMPS)/web ## only the end-to-end tests with real peers
	$(PYTEST) -n 3 --dist loadfile -m "e2e and not soak and not alone" --durations=10
	$(PYTEST) -n 0 -m "e2e and not soak and alone" --durations=5

soak: $(STAMPS)/system-test $(STAMPS)/venv $(STAMPS)/native $(STAMPS)/web ## what takes too long for `make test`
	$(PYTEST) -n 0 -m soak

lint: python-lint types imports ## ruff, mypy and the import contracts

python-lint: $(STAMPS)/venv
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)

types: $(STAMPS)/venv
	$(BIN)/mypy --strict $(SOURCES)

imports: $(STAMPS)/venv
	$(BIN)/lint-imports --no-logo

web-check: $(STAMPS)/npm ## types and unit tests of the console
	$(NPM) run --silent check

$(STAMPS)/fuzz: $(STAMPS)/venv
	@echo "setup: the fuzzer"
	@$(BIN)/python -m pip install -q --no-input --disable-pip-version-check -e ".[fuzz]"
	@touch $@

fuzz: $(STAMPS)/fuzz $(STAMPS)/native ## coverage-guided fuzzing of every parser (FUZZ_SECONDS=600 each, FUZZ_TARGETS="sdp rtp" for some)
	$(BIN)/python -m fuzz.run --seconds $(FUZZ_SECONDS) $(FUZZ_TARGETS)

sim: $(STAMPS)/venv ## simulated days of the routing core with fresh seeds (SIM_SECONDS=600)
	$(BIN)/kak-sim days --seconds $(SIM_SECONDS)

$(STAMPS)/report: $(STAMPS)/venv
	@echo "setup: matplotlib"
	@$(BIN)/python -m pip install -q --no-input --disable-pip-version-check -e ".[report]"
	@touch $@

sim-national: $(STAMPS)/report ## a day of the whole country under three variants of the rules: var/national-day/index.html
	$(BIN)/kak-sim national-day

$(STAMPS)/mutants: $(STAMPS)/venv
	@echo "setup: the tool that plants faults"
	@$(BIN)/python -m pip install -q --no-input --disable-pip-version-check -e ".[mutants]"
	@touch $@

mutants: $(STAMPS)/mutants ## plant 100 faults in the routing core and see who notices
	$(BIN)/python -m tests.mutation.check $(MUTANTS)

format: $(STAMPS)/venv ## rewrite the Python sources as ruff wants them
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

bench-%: $(STAMPS)/venv $(STAMPS)/native ## one benchmark, bench/NAME.py (make bench-call)
	$(BIN)/python bench/$(subst -,_,$*).py

# --- keeping up ------------------------------------------------------------------------------------------------------

# Indexes are a matter of the machine, so none is written into the lock.
lock: $(STAMPS)/venv ## pin the newest allowed packages anew
	$(BIN)/python -m pip install -q uv
	{ echo '# Pinned by `make lock` from pyproject.toml (with the dev extra), for every platform and Python >= 3.11. Do not edit by hand.'; \
	  $(BIN)/uv pip compile --quiet --upgrade pyproject.toml --extra dev --universal --python-version 3.11 \
	    --no-annotate --no-header --no-emit-index-url --no-emit-find-links; } > $(STAMPS)/requirements.lock
	mv $(STAMPS)/requirements.lock requirements.lock

docs: $(STAMPS)/venv ## what is generated: the national example configuration and the configuration reference
	$(BIN)/kak-server generate-config national > configs/national.yaml
	$(BIN)/kak-server generate-config municipalities > configs/national-municipalities.csv
	$(BIN)/kak-server generate-config reference > docs/configuration.md

clean: ## all that was built or cached, and the lab's data
	rm -rf $(STAMPS) $(VENV) web/node_modules web/dist var build test-results src/*.egg-info
	rm -f src/kak_server/media/engine/_native.*.so
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests bench -name __pycache__ -type d -prune -exec rm -rf {} +
