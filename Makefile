# Everything runs in .venv; the two commands that matter are `make run` and `make test`.
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin

# The first interpreter that starts and is 3.11 or 3.12; PYTHON=... chooses another.
PYTHON ?= $(shell for p in python3.11 python3.12 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null && echo $$p && break; done)

export PYTHONUNBUFFERED := 1

.DEFAULT_GOAL := help
.PHONY: audit help run test soak lint types layers check docs docs-check validate pictures lock clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: $(VENV)/.run  ## set up and do the main job: simulate, train, federate, publish, serve, answer
	@$(BIN)/switchyard run

test: $(VENV)/.dev  ## set up and run the tests
	@$(BIN)/pytest

soak: $(VENV)/.dev  ## the long tests: kills, real workers, load
	@$(BIN)/pytest -m slow -n 0 --timeout 3600

lint: $(VENV)/.dev  ## style
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: $(VENV)/.dev  ## strict typing
	@$(BIN)/mypy

layers: $(VENV)/.dev  ## rooms import downwards only
	@$(BIN)/lint-imports

docs: $(VENV)/.dev  ## write the generated pages again
	@for page in data_contracts.docs features.docs models.docs serving.client_types; do $(BIN)/python -m $$page || exit 1; done

docs-check: $(VENV)/.dev
	@for page in data_contracts.docs features.docs models.docs serving.client_types; do $(BIN)/python -m $$page --check || exit 1; done

validate: $(VENV)/.dev  ## calculate the published cases again and write docs/validation.md
	@$(BIN)/python -m studies.validation

pictures: $(VENV)/.dev  ## take the pictures of Prefect and MLflow again; needs a finished run and Chromium
	@$(BIN)/python -m flows.up.pictures.make

check: lint types layers docs-check  ## all that is checked besides the tests

audit: $(VENV)/.bootstrap  ## known vulnerabilities of what serving runs (needs a network)
	@UV=$(BIN)/uv requirements/audit.sh

lock: $(VENV)/.bootstrap  ## resolve the dependencies again
	@requirements/lock.sh

clean:  ## remove the environment (keeps .switchyard)
	rm -rf $(VENV)

$(VENV)/.bootstrap: requirements/bootstrap.txt
	@test -n "$(PYTHON)" || { echo "Switchyard needs Python 3.11 or 3.12: install one, or name it: make run PYTHON=/path/to/python3.11" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "setting up $(VENV) with $$($(BIN)/python --version)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	@touch $@

# pip takes minutes for this set, uv seconds. The development set contains the set of `make run`.
$(VENV)/.run: requirements/run.txt pyproject.toml | $(VENV)/.bootstrap
	@test -e $(VENV)/.dev || $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/run.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-build-isolation --no-deps -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(VENV)/.bootstrap
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-build-isolation --no-deps -e .
	@touch $@ $(VENV)/.run
