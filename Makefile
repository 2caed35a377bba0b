# Everything a person does here: run it, see it, test it. Needs Python 3.11 or newer, git and make.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: run demo test check coverage lint faults exam bench performance docs lock audit sbom screenshots clean

run: $(VENV)/run.stamp  ## the service on the real sources
	$(BIN)/ticker run

demo: $(VENV)/run.stamp  ## the service on simulated sources
	$(BIN)/ticker run --demo

test: $(VENV)/dev.stamp  ## the whole suite; what a machine lacks (Redis, Chromium, recordings) is skipped and said
	$(BIN)/python -m pytest -q

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

check: lint  ## exactly what CI runs: lint, types, and the suite, where a skip is a failure
	NO_SKIPS=1 $(BIN)/python -m pytest -q --durations=10

coverage: $(VENV)/dev.stamp  ## the suite again with coverage, which takes half as long again; the exam has the bounds
	$(BIN)/python -m pytest -q --cov --cov-report=term:skip-covered

faults: $(VENV)/dev.stamp  ## all fault tests, and docs/faults.md of what they measured
	FAULTS_JSON=.faults.json $(BIN)/python -m pytest -q tests/faults --ignore=tests/faults/test_report.py
	PYTHONPATH=tests $(BIN)/python tests/faults/report.py .faults.json

exam: $(VENV)/dev.stamp  ## what takes too long for every run, and docs/exam.md of what came of it
	PYTHONPATH=tests:. $(BIN)/python tests/exam/sitting.py

bench: bench-throughput bench-fanout bench-round bench-startup bench-cdn bench-scale performance  ## all of them, then the pages

bench-%: $(VENV)/bench.stamp  ## one benchmark of tests/bench: bench-round, bench-startup, …
	PYTHONPATH=tests:. $(BIN)/python tests/bench/$*.py $(if $(filter round,$*),--table)$(if $(filter fanout,$*),--save)

performance: $(VENV)/dev.stamp  ## the tables and pictures of docs/performance.md and docs/scale.md from what the benchmarks left
	PYTHONPATH=tests:. $(BIN)/python tests/bench/draw.py

docs: $(VENV)/dev.stamp  ## the pages of docs/ that are written from the code
	PYTHONPATH=tests:. $(BIN)/python tests/docs/configuration.py
	PYTHONPATH=tests:. $(BIN)/python tests/docs/http_reference.py

lock: $(VENV)/dev.stamp  ## requirements/*.lock anew, with hashes; whatever index is set up here is not written into them
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	for extra in run dev; do \
	  $(BIN)/uv pip compile $(LOCKED) $$([ $$extra = run ] || echo --extra $$extra) pyproject.toml -o requirements/$$extra.lock; done
	echo 'hatchling>=1.27' | $(BIN)/uv pip compile $(LOCKED) - -o requirements/build.lock
LOCKED := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet

audit: $(VENV)/dev.stamp  ## known vulnerabilities of what is locked; says so where nobody can be asked
	-$(BIN)/python -m pip install --quiet --disable-pip-version-check 'pip-audit>=2.9,<3'
	$(BIN)/python tools/audit.py

sbom: $(VENV)/run.stamp  ## dist/sbom.cdx.json: CycloneDX of what runs
	$(BIN)/python tools/sbom.py

screenshots: $(VENV)/dev.stamp  ## the pictures in docs/
	$(BIN)/python tests/browser/screenshots.py
	PYTHONPATH=tests:. $(BIN)/python tests/wordpress/screenshots.py

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage .faults.json

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "ticker needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V). Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/dev.stamp: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(VENV)/run.stamp

$(VENV)/bench.stamp: $(VENV)/dev.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@touch $@
