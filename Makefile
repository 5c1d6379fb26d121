# Each target sets up .venv by itself from constraints.txt: Python >= 3.11 and make are all that is assumed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
OUT ?= out

.PHONY: verify ledger readme test wheel-test oldest-test lint benchmark clean

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[tasks,fast,dev]'
	touch $@

verify: $(STAMP)
	$(BIN)/varlab verify --out $(OUT)

# Release the verdicts: keep them in the package, and write the README's blocks.
ledger: $(STAMP)
	$(BIN)/varlab verify --out $(OUT) || test $$? -eq 1
	$(BIN)/python -m varlab.report.release $(OUT)/ledger.json
	$(BIN)/python -m varlab.report.readme

# Write the README's blocks from the committed data.
readme: $(STAMP)
	$(BIN)/python -m varlab.report.readme

test: $(STAMP) lint
	$(BIN)/python -m pytest --numprocesses 2 --dist loadgroup

# The same tests against the built wheel, in a new environment and away from the sources: with the
# versions of constraints.txt, and with the oldest that pyproject.toml allows. PYTHON chooses the Python.
wheel-test:
	$(PYTHON) tests/install/fresh.py

oldest-test:
	$(PYTHON) tests/install/fresh.py --oldest

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Ratios beside rivals, one table; kept for the README (then `make readme`).
benchmark: $(STAMP)
	$(BIN)/python -m pytest tests/benchmarks -m benchmark --numprocesses 0 -q -s \
		--measured tests/benchmarks/measured.json

clean:
	rm -rf $(VENV) $(OUT) .pytest_cache .mypy_cache .ruff_cache
