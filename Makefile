# Everything installs into .venv from the project's own files. PYTHON may name another Python, 3.11 or later.
PYTHON ?= python3
OFFLINE_PYTHON ?= 3.12
BIN := .venv/bin
# Tests share nothing but compiled kernels; each process takes half a gigabyte.
PARALLEL := -n auto --maxprocesses 4 --dist worksteal

.PHONY: app demo test check lint theory theory-full golden office fits bench bench-sampling words wheelhouse clean

demo: .venv/.installed
	$(BIN)/riskfund demo

# The pages in the browser.
app: .venv/.installed
	$(BIN)/riskfund dashboard

test: .venv/.tested
	$(BIN)/pytest $(PARALLEL)

check: lint
	$(BIN)/pytest $(PARALLEL) tests/unit tests/architecture tests/second_reading

lint: .venv/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

theory: .venv/.tested
	$(BIN)/pytest -m "slow or not slow" tests/theory

# Every check with 20,000 histories, and docs/validation.md from what they found.
theory-full: .venv/.tested
	THEORY_N=20000 THEORY_VERDICTS=build/verdicts.json $(BIN)/pytest -m "slow or not slow" tests/theory
	$(BIN)/python tests/theory/render.py build/verdicts.json docs/validation.md

golden: .venv/.tested
	$(BIN)/pytest $(PARALLEL) -m "slow or not slow" tests/golden

# The fits that are stored with the project: the tables of simulated counties, then posterior and checks. An hour on two cores.
fits: .venv/.installed
	$(BIN)/riskfund calibrate seed --out runs/calibration-seed
	$(BIN)/riskfund calibrate households --out runs/calibration-households
	cp runs/calibration-seed/seed.toml runs/calibration-seed/seed.csv calibration/fits/
	cp runs/calibration-households/households.toml runs/calibration-households/households.csv calibration/fits/

# The exports in a real office program; needs LibreOffice (soffice), and says so where it is missing.
office: .venv/.tested
	$(BIN)/pytest -m office -rs tests/dashboard

# Collects the texts, keeps the translations, compiles them, and writes docs/glossary.md.
words: .venv/.tested
	$(BIN)/python -m dashboard.words.catalogue

# Everything that a machine without a network needs, for Windows and Linux, in build/offline; see docs/offline.md.
wheelhouse: .venv/.tested
	$(BIN)/python offline/build.py --python $(OFFLINE_PYTHON)

bench-sampling: .venv/.dev
	$(BIN)/python benchmarks/sampling.py

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
