# Everything runs in .venv, which is made when it is missing or older than pyproject.toml.
PYTHON ?= python3
PY := .venv/bin/python
ARGS ?=
# Each of the processes has stores of its own.
PARALLEL ?= --numprocesses auto --maxprocesses 4 --dist loadfile

.PHONY: help serve test test-long check lint openapi docs bench clean

help: ## Print these lines
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

serve: .venv/installed ## Start the service; ARGS="--port 9000"
	@$(PY) manage.py serve $(ARGS)

# CLICKHOUSE=http or CLICKHOUSE=cluster: ClickHouse in another process, reached over HTTP (docs/server-mode.md).
test: .venv/installed-dev ## Run all tests; ARGS for pytest
	$(PY) -m pytest $(PARALLEL) $(ARGS)

# The same tests with many more generated histories, filters and questions, and more killed servers.
test-long: .venv/installed-dev ## Run the tests with many more generated histories
	HISTORY_EXAMPLES=2000 FUNNEL_EXAMPLES=3500 FILTER_EXAMPLES=1000 ELEMENTS_EXAMPLES=1000 PERSONS_KILLS=10 \
		LIFECYCLE_EXAMPLES=1000 VALUES_EXAMPLES=1000 PROPERTY_HISTORY_EXAMPLES=5000 \
		TRENDS_EXAMPLES=1000 STICKINESS_EXAMPLES=1000 WRITING_EXAMPLES=500 FUZZ_EXAMPLES=100 IMPORT_EXAMPLES=300 \
		$(PY) -m pytest $(ARGS)

check: lint test ## Lint and test: what must be green

lint: .venv/installed-dev ## ruff, mypy and the import rules
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy .
	.venv/bin/lint-imports

# Writes the OpenAPI description anew; a test keeps it equal to the code.
openapi: .venv/installed ## Write docs/openapi.yaml anew
	$(PY) manage.py spectacular --validate --fail-on-warn --file docs/openapi.yaml

# The site of docs/, in site/. To read it while writing: .venv/bin/mkdocs serve
docs: .venv/installed-dev ## Make the site of the documentation, in site/
	NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --strict
	@echo "The site is in site/; start with site/index.html"

bench: .venv/installed ## Measure; EVENTS=20000000 for the long run
	$(PY) -m benchmarks $(ARGS)

clean: ## Remove everything that was made
	rm -rf .venv .bench .mypy_cache .pytest_cache .ruff_cache .hypothesis build site *.egg-info

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("persons-api needs Python 3.11 or newer; say which with PYTHON=...") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv .venv
	$(PY) -m pip install --quiet --upgrade pip

.venv/installed: pyproject.toml | .venv/bin/python
	@echo "Installing (a few minutes the first time)..."
	$(PY) -m pip install --quiet --editable .
	@touch $@

.venv/installed-dev: .venv/installed
	$(PY) -m pip install --quiet --group dev
	@touch $@
