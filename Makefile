# Everything a newcomer types. `make help` lists it.
PYTHON ?= python3
BIN := .venv/bin
export DO_NOT_TRACK := 1
export GX_ANALYTICS_ENABLED := false
export DBT_SEND_ANONYMOUS_USAGE_STATS := false

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench bench-view bench-identity bench-delivery bench-campaigns bench-app soak up lock

help: ## Say what each target does
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-14s %s\n", $$1, $$2}'

demo: .venv/.stamp ## Make a sample company, merge it, and send one consented campaign to a local sandbox
	@$(BIN)/rapport demo

test: .venv/.stamp ## Run every test that this machine can run (browser tests where a Chromium is found)
	@$(BIN)/python -m pytest -q -n auto --dist loadfile --no-loadscope-reorder

lint: .venv/.stamp ## Style, types and layers
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

ROWS ?= 1000000
bench: .venv/.stamp ## Measure landing (ROWS=10000000 for more) and the build on a real shop's order lines
	@$(BIN)/python -m benchmarks --rows $(ROWS)

SIZES ?= 1000000 5000000 10000000
bench-view: .venv/.stamp ## Measure a first build stage by stage beside its floor, at several sizes (SIZES=1000000 for one)
	@$(BIN)/python -m benchmarks.view $(SIZES)

EDGES ?= 5000000
PEOPLE ?= 200000
bench-identity: .venv/.stamp ## Measure resolution against scipy, Splink and other policies (EDGES=20000000 for more, PEOPLE=20000 for less)
	@$(BIN)/python -m benchmarks.identity --edges $(EDGES) --people $(PEOPLE)

bench-delivery: .venv/.stamp ## Measure dispatching and receiving beside what they cannot do without, and judging and rendering
	@$(BIN)/python -m benchmarks.dispatching
	@$(BIN)/python -m benchmarks.gate
	@$(BIN)/python -m benchmarks.receiving
	@$(BIN)/python -m benchmarks.triggering

bench-campaigns: .venv/.stamp ## Measure counts of segments and a whole plan beside SQL and Jinja by hand
	@$(BIN)/python -m benchmarks.campaigning

bench-app: .venv/.stamp ## Measure how long each page of the app takes in a Chromium, and a search
	@$(BIN)/python -m benchmarks.pages

SOAKS := tests/messaging/dispatch/test_crashes.py tests/messaging/test_stop_race.py \
  tests/messaging/test_capping_race.py tests/messaging/test_quiet_hours.py \
  tests/messaging/webhooks/test_crashes.py tests/messaging/webhooks/test_forged.py \
  tests/messaging/planning/test_kills.py
soak: .venv/.stamp ## Draw new cases for every property; then kill dispatchers a thousand times over six thousand messages, campaigns from plan to send and receivers under load, and stop 700 people in mid-batch; on both databases
	@RAPPORT_SOAK=1 $(BIN)/python -m pytest -q -n auto -m hypothesis
	@RAPPORT_SOAK=1 $(BIN)/python -m pytest -q -s -p no:cacheprovider $(SOAKS)

up: .venv/.stamp ## Start the app, Dagster, the webhooks, the dispatcher and the sandbox on the demo's company
	@$(BIN)/rapport up --demo

lock: .venv/.stamp ## Refresh requirements.lock from pyproject.toml
	@$(BIN)/uv pip compile -q pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-strip-extras --upgrade -o requirements.lock

# uv installs the lock in seconds where pip takes minutes; it comes from the index like everything else.
.venv/.stamp: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v < (3, 14) else f"Rapport needs Python 3.11 to 3.13, and this is {v[0]}.{v[1]}. Name another: make $(MAKECMDGOALS) PYTHON=python3.12")'
	@echo "Setting up .venv (once) ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install -q --disable-pip-version-check uv
	@$(BIN)/uv pip install -q --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps -e .
	@touch $@
