# The commands of README.md and CONTRIBUTING.md. Needs Python >= 3.11 with pip; everything goes into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# One process a processor; `make test WORKERS=0` runs them in pytest's own, for a debugger.
WORKERS ?= auto
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help demo example test test-slow test-all check check-format check-lint check-types check-imports \
	bench bench-baseline run-bench install format clean

help:
	@echo "make demo       install, then run the suite 'quick' and write its report"
	@echo "make test       install, then run the tests that are not slow"
	@echo "make test-slow  the slow tests only"
	@echo "make test-all   every test"
	@echo "make check      format, lint, types, import contracts"
	@echo "make bench      micro-benchmarks, compared with the baseline; make bench-baseline stores a new one"
	@echo "make format     rewrite the files as 'make check' wants them"
	@echo "make example    measure the example in reports/ again, and take its picture for the README"
	@echo "make install    install for development"

demo: $(VENV)/.installed-run
	$(BIN)/optbench suite

# A store of its own, so that the example holds what this machine measured now.
example: $(VENV)/.installed-test
	rm -f .optbench/example.sqlite
	$(BIN)/optbench suite quick --store .optbench/example.sqlite --out reports/example
	$(BIN)/python docs/picture.py reports/example docs/images/report.png

test: $(VENV)/.installed-test
	$(PYTEST) -m "not slow"

test-slow: $(VENV)/.installed-test
	$(PYTEST) -m slow

test-all: $(VENV)/.installed-test
	$(PYTEST)

# `make -k check` goes on after a failure and tells everything that is wrong.
check: check-format check-lint check-types check-imports

check-format: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .

check-lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .

check-types: $(VENV)/.installed-dev
	$(BIN)/mypy

check-imports: $(VENV)/.installed-dev
	$(BIN)/lint-imports --no-cache

format: $(VENV)/.installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Alone on one process: nothing is measured beside something else. The least times of many rounds, over the reference kernel's.
BENCH := .benchmarks/last.json
bench: run-bench
	$(BIN)/python -m optbench.testing.compare_steps $(BENCH) tests/perf/baseline.json

bench-baseline: run-bench
	$(BIN)/python -m optbench.testing.compare_steps $(BENCH) tests/perf/baseline.json --write

run-bench: $(VENV)/.installed-test
	@mkdir -p .benchmarks
	$(BIN)/python -m pytest tests/perf -p no:xdist -o "python_files=bench_*.py" -o "python_functions=bench_*" \
		--benchmark-only --benchmark-columns=min,median,rounds --benchmark-sort=name --benchmark-json=$(BENCH)

install: $(VENV)/.installed-dev

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

# One stamp for each set of dependencies: pip runs again only when what it reads has changed.
$(VENV)/.installed-run: EXTRA :=
$(VENV)/.installed-test: EXTRA := [test]
$(VENV)/.installed-dev: EXTRA := [dev]
$(VENV)/.installed-%: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing into $(VENV); the first time it takes some minutes, for torch is large"
	@$(PIP) install --quiet -c constraints.txt -e ".$(EXTRA)"
	@touch $@

$(BIN)/python:
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }
