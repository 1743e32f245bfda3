# Every target installs what it needs into .venv; Python >= 3.11 and git are all that must be there.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.DEFAULT_GOAL := help
.PHONY: help bench-identity demo test check chaos backfill bench up down lock proto clean

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

# Bytecode is made here: the roles start side by side, and where nobody may write it later each would compile all anew.
$(READY): requirements.lock pyproject.toml
	@echo "==> Python environment in .venv (first time: about 125 packages, 550 MB on disk)"
	@$(PYTHON) -c 'import sys; sys.exit("Sluiceway needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Say: make PYTHON=python3.x" if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.9
	@$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@$(BIN)/python -m compileall -q connectors streams
	@touch $@

demo: $(READY) ## lead to invoice, end to end, on the embedded stack
	@$(BIN)/sluiceway demo

up: $(READY) ## stack, roles and sandboxes until Ctrl-C
	@$(BIN)/sluiceway up

down: $(READY) ## stop what `make up` left running
	@$(BIN)/sluiceway down

check: $(READY) ## lint, types and architecture; seconds
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

# What takes both cores, or a machine that is quiet: deadlines of Kafka's clients are among what these show.
ALONE := tests/replay tests/integration $(wildcard tests/chaos/test_*.py) tests/e2e

test: check ## check, then every test but the long chaos runs
	@$(BIN)/python -m pytest --numprocesses=logical --dist=worksteal tests $(ALONE:%=--ignore=%)
	@$(BIN)/python -m pytest $(ALONE)

chaos: $(READY) ## every fault test ten times, other seeds each time; ten orders of recorded events; `backfill`
	@$(BIN)/python -m pytest tests/chaos tests/replay --chaos-rounds=10 --replay-shuffles=10
	@$(MAKE) --no-print-directory backfill

backfill: $(READY) ## each source reads 100,000 objects while they change; SIZE=20000 VENDOR=stripe
	@$(BIN)/python -m pytest tests/contract/connectors/test_sources.py --durations=0 \
	  -k "a_backfill_while_edits_run and $(or $(VENDOR),overwrites)" --backfill-size=$(or $(SIZE),100000)

bench: $(READY) ## ratios beside a hand-written loop, in one run
	@$(BIN)/python -m tests.bench

IDENTITY := .cache/bench-identity
$(IDENTITY)/.ready: tests/bench/identity/requirements.txt $(READY)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --require-hashes --target $(IDENTITY) \
	  --requirement $<
	@touch $@

bench-identity: $(IDENTITY)/.ready ## how well and how fast parties are matched; SEED=42,7 SIZE=20000 PARTIES=100000
	@$(BIN)/python -m tests.bench.identity

lock: ## pin the dependencies anew
	@$(BIN)/uv pip compile --quiet --universal --all-extras --generate-hashes --no-header --no-emit-index-url \
	  --no-emit-find-links --python-version 3.11 --output-file requirements.lock pyproject.toml

proto: $(READY) ## make the gRPC modules of connectors/pubsub_api anew
	@$(BIN)/python -m grpc_tools.protoc -I. --python_out=. --pyi_out=. --grpc_python_out=. connectors/pubsub_api/pubsub_api.proto

clean: ## remove the environment and the embedded stack's data
	@rm -rf .venv .sluiceway .cache
