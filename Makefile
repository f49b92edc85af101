# The verbs of the house. `make demo` and `make test` work on a bare machine: Python >= 3.11 and make.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
# Our matrices are small: with threads, numpy burns three times the CPU seconds.
export OPENBLAS_NUM_THREADS ?= 1

# Files of tests run on so many workers, in the order that tests/conftest.py gives; TEST_WORKERS=0 runs them one by one.
TEST_WORKERS ?= 2
SIDE_BY_SIDE = -n $(TEST_WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: help setup demo test check lint fast slow heavy faults players format requirements shots bench bench-oracle bench-search bench-load schema rules errors clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

setup: .venv/ready ## Make the virtual environment with every tool, pinned and hashed

.venv/ready: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "pertitle needs Python 3.11 or newer; say: make PYTHON=python3.12 setup")'
	@echo "setting up .venv (once, about a minute)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index --editable .
	@touch $@

demo: setup ## The main job: a sample title, end to end, on a local stack
	@$(BIN)/pertitle demo

test: fast slow ## All tests (fast ones first)

fast: setup ## The fast tests
	@$(BIN)/python -m pytest -q -m "not slow" $(SIDE_BY_SIDE)

slow: setup players ## The slow tests: real servers, real titles, faults
	@$(BIN)/python -m pytest -q -m "slow and not full and not heavy" $(SIDE_BY_SIDE)

heavy: setup ## The heaviest sources through every step to the mezzanine: a quarter of an hour
	@$(BIN)/python -m pytest -q -m "heavy"

faults: setup ## All faults, on real processes: a table, faults.json, docs/faults.md; half an hour
	@$(BIN)/python -m pytest -q tests/faults --faults-json faults.json
	@$(BIN)/python -m infra.faults_page faults.json

players: setup ## What the player tests need: Chromium (as root on Debian), and players from npm
	@infra/players.sh

check: lint fast ## Format, lint, types, import rules, fast tests

lint: setup ## Format, lint, types, import rules
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

format: setup ## Put the code into the house format
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format --quiet .

requirements: setup ## Compile requirements.txt from pyproject.toml, newest versions
	@$(BIN)/pip-compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
		--no-header --no-annotate --allow-unsafe --all-extras -o requirements.all.txt pyproject.toml
	@$(BIN)/python infra/headless_opencv.py requirements.all.txt > requirements.txt && rm requirements.all.txt

shots: setup ## Precision, recall and F1 of shot detection on clips with known cuts: make shots MEDIA=folder
	@$(BIN)/python -m benchmarks.shots $(MEDIA)

BENCH_OPTIONS = $(if $(SETTINGS),--settings $(SETTINGS)) $(if $(SHOTS),--shots $(SHOTS)) $(if $(FRAMES),--frames $(FRAMES)) \
	$(if $(CRF_STEP),--crf-step $(CRF_STEP)) $(ARGS)

bench-oracle: setup ## The exhaustive grid of a folder of clips: make bench-oracle MEDIA=folder OUT=folder
	@$(if $(and $(MEDIA),$(OUT)),:,echo "say: make $@ MEDIA=folder OUT=folder"; exit 2)
	@$(BIN)/python -m benchmarks.oracle "$(MEDIA)" "$(OUT)" $(BENCH_OPTIONS)

bench-search: setup ## The search against it, with peers' rules: make bench-search MEDIA=folder OUT=folder
	@$(if $(and $(MEDIA),$(OUT)),:,echo "say: make $@ MEDIA=folder OUT=folder"; exit 2)
	@$(BIN)/python -m benchmarks.search "$(MEDIA)" "$(OUT)" $(BENCH_OPTIONS)

bench: bench-search ## The same, into docs/benchmarks.md and benchmarks/results; MORE="DIR ..." adds tables of earlier runs
	@$(BIN)/python -m benchmarks.page "$(OUT)" $(MORE)

bench-load: setup ## 200 titles at once, titles of up to 2,000 shots, without encodes; ARGS="--real 200" with; writes load.json
	@$(BIN)/python -m benchmarks.load --json $(or $(OUT),load.json) $(ARGS)

schema: setup ## Write the JSON Schema of a title request into docs/
	@$(BIN)/pertitle schema > docs/title-request.schema.json

rules: setup ## Write the table of rules into docs/
	@$(BIN)/python -m infra.rules_table

errors: setup ## Write the table of error codes into docs/
	@$(BIN)/python -m infra.errors_table
	@$(BIN)/python -m infra.findings_table

clean: ## Stop the local stack and remove what the project made here (not the environment)
	@if [ -x $(BIN)/pertitle ]; then $(BIN)/pertitle down; fi
	@rm -rf .pertitle .mypy_cache .ruff_cache .import_linter_cache .hypothesis .pytest_cache
