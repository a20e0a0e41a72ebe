# Two commands do it all on a fresh machine: `make site` builds the example site, `make test` runs the tests.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: site test fuzz audit bench bench-peers serve clean

site: $(VENV)/.site
	$(BIN)/python build.py

serve: $(VENV)/.site
	$(BIN)/python build.py serve --open

test: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n auto

# 200 runs of 30 random edits, each compared with a clean build in a fresh process; then the seeded faults it must catch, and
# the same of what the preview shows; then commands killed, and failing, at calls that write.
fuzz: $(VENV)/.dev
	$(BIN)/python -m tests.fuzz --runs 200 --edits 30
	$(BIN)/python -m tests.mutants
	$(BIN)/python -m tests.preview_fuzz --runs 50 --edits 30
	OCTAVO_THOROUGH=1 $(BIN)/python -m pytest -n auto tests/test_foreign_values.py
	$(BIN)/python -m tests.faults --every 3
	$(BIN)/python -m tests.faults --real --every 10

# What readers' browsers, validators and Lighthouse make of the theme, in one table; `make audit AUDIT=--fast` without
# Lighthouse. It installs what it needs, from npm and Debian.
audit: $(VENV)/.dev
	$(BIN)/python -m audit $(AUDIT)

# A small selection, in under two minutes; docs/benchmarks.md has the commands for all of it. Peers that are not there
# are said and left out.
bench: $(VENV)/.site
	$(BIN)/python benchmarks/run.py --posts 1000 --peers octavo,floor,hugo,pelican --operations cold,unchanged,body --rounds 1

bench-peers: $(VENV)/.site
	$(BIN)/python benchmarks/run.py --install

clean:
	rm -rf $(VENV) .octavo .audit

# A stamp each, so that an environment that is up to date is used as it is, without network.
$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.site: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	touch $@ $(VENV)/.site
