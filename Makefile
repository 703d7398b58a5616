# leadscore: everything a person does with a checkout. Needs Python 3.11 or newer, and make.
# Each target installs what it needs into .venv; nothing else on the system is touched.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
JARS := $(VENV)/.jars
ARGS ?=

.PHONY: help
help: ## Show what there is
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.PHONY: run
run: $(INSTALLED) ## Start the whole system here: real Kafka, real Postgres, all services (Ctrl-C stops)
	@exec $(BIN)/leadscore up $(ARGS)

.PHONY: demo
demo: $(INSTALLED) ## Send a person's journey to the running system (or start one) and watch it score
	@exec $(BIN)/python -m deploy.demo $(ARGS)

.PHONY: test
test: $(INSTALLED) $(JARS) ## Everything that must hold: check, unit, contract, integration, e2e
	@exec $(BIN)/python -m tests.parts check unit contract integration e2e

.PHONY: check
check: $(INSTALLED) ## Format, lint, types, import contracts, licences, unit tests
	@exec $(BIN)/python -m tests.parts check unit

.PHONY: unit
unit: $(INSTALLED) ## Unit tests: no server, seconds
	@exec $(BIN)/pytest tests/unit $(ARGS)

.PHONY: test-deep
test-deep: $(INSTALLED) ## The scoring core against the oracle, 20,000 random examples (ARGS="--examples 5000")
	@exec $(BIN)/python -m tests.oracle $(ARGS)

.PHONY: test-people
test-people: $(INSTALLED) $(JARS) ## 5,000 random stories of who is who, through three scorers (ARGS="-x")
	@LEADSCORE_STORIES=$${LEADSCORE_STORIES:-5000} exec $(BIN)/pytest -s \
		tests/integration/scorer/test_three_scorers.py $(ARGS)

.PHONY: test-sequences
test-sequences: $(INSTALLED) $(JARS) ## Nurture sequences over 60 days, 10,000 leads, restarts at random instants
	@LEADSCORE_LEADS=$${LEADSCORE_LEADS:-10000} exec $(BIN)/pytest -s \
		tests/integration/router/test_sixty_days.py $(ARGS)

.PHONY: mutations
mutations: $(INSTALLED) ## Faults planted in a copy of the scoring core: a test must catch each
	@exec $(BIN)/python -m tests.mutations $(ARGS)

.PHONY: integration
integration: $(INSTALLED) $(JARS) ## Tests of single services against a real Kafka and Postgres
	@exec $(BIN)/pytest tests/contract tests/integration $(ARGS)

.PHONY: e2e
e2e: $(INSTALLED) $(JARS) ## Tests of the whole road, through the front doors
	@exec $(BIN)/pytest tests/e2e tests/show $(ARGS)

.PHONY: fault
fault: $(INSTALLED) $(JARS) ## Tests that kill processes at bad moments
	@exec $(BIN)/pytest tests/fault $(ARGS)

.PHONY: canary
canary: $(INSTALLED) $(JARS) ## A person is planted, erased, and searched for in every byte on disk
	@exec $(BIN)/pytest tests/fault/test_canary.py $(ARGS)

.PHONY: bench
bench: $(INSTALLED) $(JARS) ## Measure ingest and scorer against simpler rivals, in one run
	@exec $(BIN)/python -m tests.bench $(ARGS)

.PHONY: beacon
beacon: $(INSTALLED) ## Make the script that browsers get, beacon.min.js, of beacon.js
	@exec $(BIN)/python -m tests.sdks.minified_beacon

.PHONY: fmt
fmt: $(INSTALLED) ## Format the code and mend what lint can mend
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

.PHONY: clean
clean: ## Stop the system, remove its data, the venv and all caches
	@if [ -x $(BIN)/leadscore ] && [ -e .leadscore/local.json ]; then $(BIN)/leadscore down; fi
	@rm -rf .leadscore .venv dist .build .pytest_cache .mypy_cache .ruff_cache .hypothesis \
		.import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The venv holds its own uv, so that the machine needs none. pip comes with Python's venv module.
$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "leadscore needs Python 3.11 or newer; set PYTHON=/path/to/it"; exit 1; }
	@echo "making $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv>=0.9,<1"

$(INSTALLED): pyproject.toml uv.lock | $(BIN)/uv
	@echo "installing the locked packages"
	@env -u VIRTUAL_ENV UV_PROJECT_ENVIRONMENT=$(VENV) UV_PYTHON_DOWNLOADS=never \
		$(BIN)/uv sync --quiet --frozen --inexact --all-extras --compile-bytecode \
		--python $(BIN)/python
	@touch $@

$(JARS): deploy/local/kafka.lock.toml | $(INSTALLED)
	@$(BIN)/python -m deploy.local.jars
	@touch $@
