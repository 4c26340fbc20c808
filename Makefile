# Sensor Flow. `make help` lists what there is; only Python 3.11 and make are needed.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

# The dashboard's files that the server serves, made of the sources in web/.
DASHBOARD := api/dashboard/files/index.html

# Two processes, each with an embedded engine of its own; a given server is for one.
PROCESSES := $(if $(SENSORFLOW_TEST_DATABASE_URL),,--numprocesses=2 --dist=loadfile)

.PHONY: help demo web test test-bi check screenshots format bench bench-engines packages docs lock clean

help: ## Show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(INSTALLED) $(DASHBOARD) ## Start everything on this machine, load the sample data, print what to try
	@$(BIN)/sensorflow demo

web: $(DASHBOARD) ## Build the dashboard into the folder that the server serves it from

test: check $(DASHBOARD) ## Run every check and the whole test suite
	@$(BIN)/pytest $(PROCESSES)

test-bi: $(INSTALLED) ## Try real BI tools on a native TimescaleDB (the first time installs 1 GB)
	@$(BIN)/python -m tests.bi_tools.install
	@$(BIN)/pytest -m bi_tools tests/bi_tools

check: $(INSTALLED) ## Lint, types, import rules, SQL, containers; changes nothing
	@$(BIN)/pip --disable-pip-version-check check --quiet
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/mypy
	@$(BIN)/python -m tests.sql.lint
	@$(BIN)/python -m embedded.node check-types
	@$(BIN)/python -m tests.dashboard.api_types
	@$(BIN)/python -m embedded.node run web check
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec compose.yaml
	@$(BIN)/hadolint Dockerfile
	@$(BIN)/pre-commit validate-config

bench: $(INSTALLED) ## Measure against baselines in the same run (ARGS=--help lists what)
	@$(BIN)/python -m bench $(ARGS)

bench-engines: $(INSTALLED) ## Install DuckDB and chDB, which bench measures beside ours (1 GB)
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-bench.lock

screenshots: $(INSTALLED) $(DASHBOARD) ## Take a picture of every page into data/screenshots (needs chromium)
	@mkdir -p data/screenshots
	@SENSORFLOW_SCREENSHOTS=data/screenshots $(BIN)/pytest -q tests/dashboard/test_every_look.py

packages: $(DASHBOARD) ## Build wheel, source distribution and bills of materials into dist
	@rm -rf dist
	@$(PYTHON) -m venv --clear .cache/build
	@.cache/build/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-build.lock
	@.cache/build/bin/hatchling build
	@.cache/build/bin/cyclonedx-py requirements --output-reproducible --output-file dist/python.cdx.json requirements.lock
	@$(BIN)/python -m embedded.node run web sbom > dist/dashboard.cdx.json

docs: ## Build the documentation's site into site (REPOSITORY_URL=https://... for its links to sources)
	@$(PYTHON) -m venv --clear .cache/docs
	@.cache/docs/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-docs.lock
	@.cache/docs/bin/mkdocs build --quiet --strict

# sqlfluff cannot parse files with fragments; `make check` lints them expanded.
format: $(INSTALLED) ## Rewrite the code in the project's format
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .
	@$(BIN)/python -m embedded.node run web format
	@$(BIN)/sqlfluff fix --quiet $$(grep -rLE --include='*.sql' -- '-- (include|fragment):' sql)

lock: ## Resolve the dependencies again into the lock files (needs uv and npm)
	@uv pip compile -q --universal --generate-hashes --no-emit-index-url --python-version 3.11 \
		pyproject.toml -o requirements.lock
	@uv pip compile -q --universal --generate-hashes --no-emit-index-url --python-version 3.11 \
		-c requirements.lock --extra dev pyproject.toml -o requirements-dev.lock
	@uv pip compile -q --universal --generate-hashes --no-emit-index-url --python-version 3.11 \
		--group node -o requirements-node.lock
	@uv pip compile -q --universal --generate-hashes --no-emit-index-url --python-version 3.11 \
		-c requirements-dev.lock --group build -o requirements-build.lock
	@uv pip compile -q --universal --generate-hashes --no-emit-index-url --python-version 3.11 \
		-c requirements-dev.lock --group bench -o requirements-bench.lock
	@uv pip compile -q --universal --generate-hashes --no-emit-index-url --python-version 3.11 \
		-c requirements-dev.lock --group docs -o requirements-docs.lock
	@for tool in superset dbt odbc; do uv pip compile -q --generate-hashes --no-emit-index-url --python-version 3.11 \
		tests/bi_tools/requirements/$$tool.in -o tests/bi_tools/requirements/$$tool.lock; done
	@for folder in embedded web tests/s3 tests/api/influxdb; do (cd $$folder && \
		npm install --silent --package-lock-only --omit-lockfile-registry-resolved=true); done

clean: ## Remove what was built here: the virtual environment, caches and the demo's data
	@rm -rf $(VENV) .cache data dist site embedded/node_modules web/node_modules api/dashboard/files .mypy_cache .ruff_cache .pytest_cache .hypothesis

# The lock files are whole, so pip need not resolve (--no-deps): an older pip would take a newer
# release than the locked one wherever a package asks for an extra of it. `pip check` proves them whole.
$(INSTALLED): requirements-dev.lock requirements-node.lock pyproject.toml
	@echo "Preparing $(VENV) (first time: about a minute)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -m embedded.node available 2>/dev/null || $(BIN)/pip install --quiet \
		--disable-pip-version-check --no-deps --require-hashes -r requirements-node.lock
	@touch $@

$(DASHBOARD): $(INSTALLED) $(shell find web -type f -not -path 'web/node_modules/*')
	@echo "Building the dashboard"
	@$(BIN)/python -m embedded.node run web build
