# Everything installs into .venv from the project's own files. PYTHON may name another Python, 3.11 or later.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test check lint theory golden bench clean

demo: .venv/.installed
	$(BIN)/riskfund demo

test: .venv/.tested
	$(BIN)/pytest

check: lint
	$(BIN)/pytest tests/unit tests/architecture tests/second_reading

lint: .venv/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	for f in scenarios/*.toml scenarios/rules/*-*.toml; do $(BIN)/riskfund check $$f > /dev/null || exit 1; done

theory: .venv/.tested
	$(BIN)/pytest -m slow tests/theory

golden: .venv/.tested
	$(BIN)/pytest -m "slow or not slow" tests/golden

bench: .venv/.dev
	$(BIN)/python benchmarks/history.py
	$(BIN)/python benchmarks/households.py

.venv/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable .
	touch $@

.venv/.tested: .venv/.installed
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[test]"
	touch $@

.venv/.dev: .venv/.tested
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@

clean:
	rm -rf .venv build dist *.egg-info
