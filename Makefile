# The front door. Each target makes what it needs first, on a machine that has only git, make and python3 with venv.
# `make help` lists the targets. Nothing is written outside this folder but uv's cache.

PYTHON ?= python3
WORKERS ?= 2
ARGS ?=
BIN := .venv/bin
SYNC := .make/uv/bin/uv sync --quiet --frozen --extra server --extra fastapi

export UV_PYTHON_DOWNLOADS := never
export PIP_DISABLE_PIP_VERSION_CHECK := 1
unexport VIRTUAL_ENV PYTHONHOME
ifeq ($(SSL_CERT_FILE),)
ifneq ($(wildcard /etc/ssl/certs/ca-certificates.crt),)
export UV_SYSTEM_CERTS := 1
endif
endif

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run test check format system static unit-coverage mutants bench soak docs changelog clean

help: ## list what can be typed here
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile

run: .make/env ## start the server on http://localhost:8000 with SQLite under ./.tallystick (ARGS="--port 8001" passes options)
	@exec $(BIN)/tallystick serve $(ARGS)

test: .make/env system .make/browser static unit-coverage ## run everything: lint, types, import contracts, coverage gate, all tests
	@$(BIN)/pytest -n $(WORKERS) --dist worksteal --junitxml=.make/junit.xml $(ARGS) \
		&& $(BIN)/python tools/ledger.py .make/junit.xml

check: .make/env static ## the quick look before a commit: format, lint, types, contracts, unit, architecture and docs tests
	@$(BIN)/pytest -q tests/unit tests/architecture tests/docs $(ARGS)

format: .make/env ## let ruff format the code and mend what it can
	@$(BIN)/ruff check --quiet --fix . ; $(BIN)/ruff format .

system:
	@tools/system-packages strace curl openssl chromium node=nodejs npm promtool=prometheus libatomic.so.1=libatomic1

static: .make/env
	@$(BIN)/ruff format --check --quiet . || { echo "some files are not formatted: type 'make format'" >&2; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

unit-coverage: .make/env ## core and identity at 100 % branch coverage, from the unit tests alone
	@COVERAGE_FILE=.make/coverage $(BIN)/coverage run -m pytest -q -n 0 --no-header tests/unit
	@COVERAGE_FILE=.make/coverage $(BIN)/coverage report --skip-covered --show-missing --fail-under=100 \
		--include='src/tallystick/core/*,src/tallystick/identity/*'

mutants: .make/env ## break each guarantee on purpose in a copy; its test must fail there
	@$(BIN)/python tools/mutants.py $(ARGS)

bench: .make/bench ## measure the budgets against their peers in the same run
	@$(BIN)/python -m benchmarks $(ARGS)

soak: .make/env system ## the long runs: crashes, model, races
	@$(BIN)/pytest -m soak $(ARGS)

docs: .make/docs ## write the generated reference, then build the pages into .make/site and check their links
	@$(BIN)/python tools/reference.py
	@$(BIN)/python tools/cli_reference.py
	@$(BIN)/python tools/moves_reference.py
	@$(BIN)/python -m tools.sight
	@$(BIN)/python tools/doctor_reference.py
	@$(BIN)/python tools/limits_reference.py
	@$(BIN)/zensical build --strict
	@$(BIN)/pytest -q tests/docs

changelog: .make/env ## move the fragments of changes/ into CHANGELOG.md (VERSION=2026.12.0)
	@$(BIN)/python tools/changelog.py $(VERSION)

clean: ## remove the environment and every cache of this folder (the data under .tallystick stays)
	rm -rf .venv .make .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

.make/uv.ready: tools/uv.txt
	@mkdir -p .make
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "tallystick needs Python 3.11 or newer; name one with: make PYTHON=python3.12 …" >&2; exit 1; }
	@echo "fetching the installer into .make/uv" >&2
	@rm -rf .make/uv && $(PYTHON) -m venv .make/uv
	@.make/uv/bin/python -m pip install --quiet --no-input --require-hashes --only-binary :all: -r tools/uv.txt
	@touch $@

.make/env: uv.lock pyproject.toml .make/uv.ready
	@echo "installing the environment into .venv" >&2
	@$(SYNC) --python "$$(command -v $(PYTHON))"
	@touch $@

.make/browser: tests/browser/package.json tests/browser/package-lock.json
	@echo "fetching axe-core into .make/browser" >&2
	@rm -rf $@ && mkdir -p $@ && cp $^ $@/
	@npm ci --prefix $@ --ignore-scripts --no-audit --no-fund --loglevel=error >&2 || { rm -rf $@; exit 1; }

.make/bench: .make/env
	@$(SYNC) --inexact --group bench
	@touch $@

.make/docs: .make/env
	@$(SYNC) --inexact --group docs
	@touch $@

