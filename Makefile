# Everything goes into .venv. Needed beforehand: Python 3.11 or newer with venv; for the broker tests Java 17 and Maven.

MINUTES ?= 30
SEED    ?= random
BIN     := .venv/bin
PYTHON  ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14; do \
             $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)

.PHONY: demo test lint bench soak wheel image-test

demo: .venv/installed           ## the whole flow on this machine: events, a run, deliveries, a failure that is retried
	@$(BIN)/postback demo

test: .venv/installed-dev       ## every test; those on a real broker are skipped where Java or Maven is missing
	@$(BIN)/pytest --numprocesses 2 --dist worksteal

lint: .venv/installed-dev       ## style, types, import contracts
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: .venv/installed-dev      ## numbers; they mean something only with their machine
	@$(BIN)/python -m tests.benchmarks

soak: .venv/installed-dev       ## faults of every kind for MINUTES, and a check of every promise for every delivery
	@$(BIN)/python -m tests.e2e.soak --minutes $(MINUTES) --seed $(SEED)

wheel: .venv/installed          ## dist/*.whl, compiled for this Python; needs a C compiler and Python's headers
	@HATCH_BUILD_HOOK_ENABLE_MYPYC=true HATCH_BUILD_CLEAN_HOOKS_AFTER=true \
	  $(BIN)/pip wheel --disable-pip-version-check --no-deps --wheel-dir dist .

image-test: .venv/installed-dev ## builds the image for real and runs the demo in it; needs root, buildah and debootstrap
	@POSTBACK_IMAGE_TEST=1 $(BIN)/pytest tests/ops/test_image.py

.venv/installed: pyproject.toml | .venv/bin/pip
	@echo "Installing into .venv (once; less than a minute) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

.venv/installed-dev: pyproject.toml | .venv/bin/pip
	@echo "Installing the package and its development tools into .venv (once; about a minute) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev,ops]'
	@touch $@ .venv/installed

.venv/bin/pip:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and was not found: apt-get install python3"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) has no venv: apt-get install $(notdir $(PYTHON))-venv"; exit 1; }
	@$(PYTHON) -m venv .venv
