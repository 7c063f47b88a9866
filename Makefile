# Needs Python 3.11 or newer, git and make; everything else comes from PyPI at the versions of requirements.lock.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SYNCED := $(VENV)/.synced
export PATH := $(CURDIR)/$(BIN):$(PATH)
export UV_PYTHON_DOWNLOADS := never
# uv would take an activated environment for the one to fill.
unexport VIRTUAL_ENV

.DEFAULT_GOAL := help
.PHONY: help setup demo test quick lint format lock bench build clean

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 10

setup: $(SYNCED) ## make .venv with everything at its locked version

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo 'error: $(PYTHON) is older than 3.11; run make PYTHON=/path/to/python3.11' >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	grep -A 100 '^uv==' requirements.lock | awk 'NR > 1 && !/^    /{exit} {print}' > $(VENV)/uv.lock
	$(BIN)/python -m pip install --quiet --require-hashes -r $(VENV)/uv.lock

$(SYNCED): requirements.lock pyproject.toml hatch_build.py | $(BIN)/uv
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(SYNCED) ## make a backend, start it and hold a conversation with it
	$(BIN)/python -m chatkit_scaffold.demo

test: lint ## run everything: what .ci/run runs
	$(BIN)/python -m pytest -n 2 --dist loadgroup

quick: lint ## render and lint every combination, serve one: the tests to run while working
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m quick

lint: $(SYNCED) ## check style and types of the command, its tests and the option code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(SYNCED) ## rewrite the code in the project's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: | $(BIN)/uv ## choose new versions within the bounds of pyproject.toml and of the template
	$(BIN)/uv pip compile --quiet --universal --upgrade --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --no-header --group dev --output-file requirements.lock \
	  pyproject.toml $(sort $(wildcard template/shared/*requirements.txt template/options/*/*/*requirements.txt))

bench: $(SYNCED) ## compare turns and pages with what they are measured against, in one run
	$(BIN)/python benchmarks/compare.py

build: $(SYNCED) ## build the wheel and the source archive in dist
	$(BIN)/uv build --quiet --no-build-isolation --python $(BIN)/python

clean: ## remove what the targets above made
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
