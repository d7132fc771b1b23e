# The two commands to begin with: `make demo` and `make test`. They need python3 and make alone.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint bench published reml clean

demo: .venv/installed
	$(BIN)/mlbias train --method closed-form --data sample

test: .venv/installed-dev
	$(BIN)/python -m pytest

lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/installed-dev
	$(BIN)/python -m benchmarks.against_source

reml: .venv/installed-dev
	$(BIN)/python -m benchmarks.reml

published: .venv/installed-dev
	$(BIN)/python -m benchmarks.published

clean:
	rm -rf .venv .venv-gpboost

# Installed anew only when pyproject.toml changed.
.venv/installed: pyproject.toml
	@echo "setting up .venv, which takes half a minute or so"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

.venv/installed-dev: pyproject.toml
	@echo "setting up .venv with what the tests need, which takes half a minute or so"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch .venv/installed $@
