# The two commands to begin with: `make demo` and `make test`. They need python3 and make alone.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint package container attack lowest bench passes scale reml published peers recipes clean

PEERS := surprise lenskit cornac

demo: .venv/installed
	$(BIN)/mlbias train --method closed-form --data sample

test: .venv/installed-dev
	$(BIN)/python -m pytest -n auto --dist loadgroup

lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Builds the sdist and the wheel, and tries the wheel in empty environments: with the newest and with
# the lowest versions of all dependencies.
package: .venv/installed-dev
	.ci/package
	.ci/package lowest

# Builds the container and runs it, where Docker is there.
container:
	.ci/container

# A share of the attack that takes under two minutes; SECURITY.md has the figures of a large one.
attack: .venv/installed-dev
	$(BIN)/python -m benchmarks.attack --share 0.003

# The tests with the lowest versions of all dependencies.
lowest: .venv/installed-dev .venv-lowest/installed
	.venv-lowest/bin/python -m pytest -n auto --dist loadgroup

bench: .venv/installed-dev
	$(BIN)/python -m benchmarks.against_source

# Hold-outs, evaluation and cross-validation, and the same epochs in DuckDB's SQL.
passes: .venv/installed-dev .venv-duckdb/installed
	$(BIN)/python -m benchmarks.passes

# From 100,000 to a billion ratings: hours, and 30 GB in data/. Goes on where it was stopped.
scale: .venv/installed-dev
	$(BIN)/python -m benchmarks.scale

reml: .venv/installed-dev
	$(BIN)/python -m benchmarks.reml

published: .venv/installed-dev
	$(BIN)/python -m benchmarks.published

peers: .venv/installed-dev $(PEERS:%=.venv-%/installed)
	$(BIN)/python -m benchmarks.peers

recipes: .venv/installed-dev .venv-surprise/installed .venv-lenskit/installed
	for library in surprise lenskit; do \
		.venv-$$library/bin/python -m pip install --quiet --disable-pip-version-check --editable .; \
	done
	$(BIN)/python -m benchmarks.recipes

clean:
	rm -rf .venv .venv-lowest .venv-gpboost .venv-duckdb $(PEERS:%=.venv-%)

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

.venv-lowest/installed: pyproject.toml .ci/lowest.py
	$(PYTHON) -m venv .venv-lowest
	$(BIN)/python .ci/lowest.py > .venv-lowest/lowest.txt
	.venv-lowest/bin/python -m pip install --quiet --disable-pip-version-check \
		--constraint .venv-lowest/lowest.txt --editable '.[dev]'
	touch $@

# Other libraries, each in an environment of its own, since they want different NumPys.
.venv-%/installed: benchmarks/requirements/%.txt
	@echo "setting up .venv-$* (lenskit's takes 6 GB and some minutes)"
	$(PYTHON) -m venv .venv-$*
	.venv-$*/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	touch $@
