# Needs Python 3.11 or newer, git and make, and Node.js 20 or newer for `make test`. Everything else is installed at the
# versions of requirements.lock.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SYNCED := $(VENV)/.synced
export PATH := $(CURDIR)/$(BIN):$(PATH)
export UV_PYTHON_DOWNLOADS := never
# uv would take an activated environment for the one to fill.
unexport VIRTUAL_ENV

.DEFAULT_GOAL := help
.PHONY: help setup demo test quick matrix lint format lock docs picture screenshots bench build clean

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 13

setup: $(SYNCED) ## create .venv with everything at its locked version

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

demo: $(SYNCED) ## create a backend, start it and have a conversation with it
	$(BIN)/python -m chatkit_scaffold.demo

# One process more than processors: backends that are stopped or cut off make their tests wait.
TESTS := $(BIN)/python -m pytest -n 4 --dist loadgroup

test: lint ## run everything: all combinations, and the own tests of those that cover every pair of choices
	$(TESTS)

quick: lint ## render and lint the covering combinations, check one: the tests to run while working
	$(TESTS) -m "quick and not rest"

matrix: $(SYNCED) ## install every combination by itself, and run its own tests too: this takes hours
	$(TESTS) --thorough tests/template/test_matrix.py tests/update/test_matrix.py

lint: $(SYNCED) ## check style, types and security of the command, its tests and the template's code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive chatkit_scaffold benchmarks template
	$(BIN)/actionlint .github/workflows/*.yml template/project/.github/workflows/*.yml*

format: $(SYNCED) ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: | $(BIN)/uv ## choose new versions within the bounds of pyproject.toml and of the template
	$(BIN)/uv pip compile --quiet --universal --upgrade --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --no-header --group dev --output-file requirements.lock \
	  pyproject.toml $(sort $(wildcard template/shared/*requirements.txt template/options/*/*/*requirements.txt))

docs: $(SYNCED) ## update docs/checks.md, CHANGELOG.md and the table of choices in README.md
	$(BIN)/python docs/build.py

picture: $(SYNCED) ## draw docs/terminal.svg from a real run
	PYTHONPATH=. $(BIN)/python docs/picture.py

screenshots: $(SYNCED) ## take docs/play-light.png and docs/play-dark.png from a real run
	PYTHONPATH=. $(BIN)/python docs/screenshots.py

bench: $(SYNCED) ## compare speed and memory with the SDK's quickstart and others, side by side
	$(BIN)/python benchmarks/run.py

build: $(SYNCED) ## build the wheel and the source archive in dist
	$(BIN)/uv build --quiet --no-build-isolation --python $(BIN)/python

clean: ## remove what the other targets created
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
