# Every target makes its own .venv from constraints.txt; nothing need be installed before but
# Python 3.11 or newer, make and git. Another interpreter: make PYTHON=python3.12 test

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# One process per core, each with one thread: more threads than cores slow torch down several times.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q
# What an installation depends on: a change of either file installs anew.
INPUTS := pyproject.toml constraints.txt

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow lint format clean

help:
	@echo "make demo       run the main job end to end on a small generated data set; no network needed"
	@echo "make test       linters, types, import contracts and all tests that are not slow"
	@echo "make test-slow  tests that are slow by nature"
	@echo "make lint       linters, types and import contracts only"
	@echo "make format     rewrite the code in the project's format"
	@echo "make clean      remove .venv and caches"

demo: .venv/.for-use
	@$(BIN)/xharness demo

test: lint
	@for part in unit reference e2e packaging; do \
	  echo "== tests/$$part"; \
	  $(PYTEST) -n auto -m "not slow" tests/$$part || exit $$?; \
	done

test-slow: .venv/.for-work
	@echo "== slow tests"
	@$(PYTEST) -m slow tests

lint: .venv/.for-work
	@echo "== ruff, mypy, import-linter"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet . || { echo "run: make format"; exit 1; }
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo

format: .venv/.for-work
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/ruff format .

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "xharness needs Python 3.11 or newer; say which: make PYTHON=python3.11 ..."; exit 1; }
	@echo "== making .venv"
	@$(PYTHON) -m venv .venv

.venv/.for-use: $(INPUTS) | $(BIN)/python
	@echo "== installing xharness into .venv (the first time this fetches torch and takes minutes)"
	@$(PIP) install -qq -c constraints.txt -e '.[cpu]'
	@touch $@

.venv/.for-work: $(INPUTS) | $(BIN)/python
	@echo "== installing xharness and its test tools into .venv (the first time this takes minutes)"
	@$(PIP) install -qq -c constraints.txt -e '.[cpu,test,dev]'
	@touch $@
