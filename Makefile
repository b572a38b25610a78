# make demo: the whole chain on a board that this machine plays.  make test: lint, types and all tests.
# make quick: lint, types and all unit tests but the slow ones.  make fuzz SECONDS=600: broken input for every reader.
# make soak: what takes long: power cuts by the hundred, 200 boards, detector families, other readers and PyTorch.
# make docs: the manual in build/docs.  make man: man pages in build/man.  make release: sdist and wheel in dist, tried.
# All of them set themselves up in .venv, which is reused until pyproject.toml changes.

SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
# The first Python from 3.10 to 3.13 that can make a virtual environment; `make PYTHON=...` names another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.10; do \
  $$p -c 'import sys, venv, ensurepip; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && break; done)
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: demo test quick lint bench fuzz soak docs man release clean
.DELETE_ON_ERROR:

demo: $(VENV)/.demo
	@$(BIN)/edgeproof demo --out build/demo

test: $(VENV)/.dev lint
	@bash tests/prepare_system.sh
	@$(BIN)/python -m tests.run_all

quick: $(VENV)/.dev lint
	@$(BIN)/python -m pytest -q -n 2 -m 'not slow' tests/unit
	@echo "not run here: unit tests of whole exports and of thousands of simulated runs: make test"

lint: $(VENV)/.dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

bench: $(VENV)/.dev
	@$(BIN)/python -m tests.benchmarks

SECONDS ?= 60
fuzz: $(VENV)/.dev
	@$(BIN)/python -m tests.fuzz --seconds $(SECONDS)

soak: $(VENV)/.dev
	@bash tests/prepare_system.sh
	@$(BIN)/python -m pytest -q --thorough tests/families tests/readers tests/odapi tests/faults tests/arm tests/unit/host/history
	@$(BIN)/python -m pytest -q tests/power --power-cuts 200
	@$(BIN)/python -m pytest -q tests/power --power-cuts 20 --power-suite bookworm
	@test -x build/pytorch/bin/python || $(PYTHON) -m venv build/pytorch
	@build/pytorch/bin/python -m pip install --quiet --editable '.[torch]' pycocotools pytest pytest-timeout
	@build/pytorch/bin/python -m pytest -q -s tests/pytorch
	@$(BIN)/python -m tests.support.networks.planted_trials
	@$(BIN)/python tests/support/networks/tiny_ssd.py build/soak/tiny
	@$(BIN)/python -m tests.fleet.figures --bundle build/soak/tiny/bundles/int8 --other build/soak/tiny/bundles/float32
	@$(BIN)/python -m tests.fuzz --seconds 3600

docs: $(VENV)/.docs
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict
	@echo "build/docs/index.html"

man: $(VENV)/.docs
	@$(BIN)/python -m deploy.manual.man build/man

# `make release RELEASE_TAG=none` tries the same without the tag.
release: $(VENV)/.release
	@bash .ci/release $(BIN)/python "$(RELEASE_TAG)"

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/.dev: EXTRA := dev
$(VENV)/.demo: EXTRA := demo
$(VENV)/.docs: EXTRA := docs
$(VENV)/.release: EXTRA := release

$(VENV)/.%: pyproject.toml
	@test -n "$(PYTHON)" || { echo "edgeproof needs Python 3.10 to 3.13 with the venv module (Debian: sudo apt install python3-venv)." >&2; exit 2; }
	@test -x $(BIN)/python || { echo "making $(VENV) with $(PYTHON)"; $(PYTHON) -m venv $(VENV); }
	@echo "installing edgeproof[$(EXTRA)] into $(VENV) (TensorFlow among it: a few minutes the first time)"
	@$(PIP) install --quiet --progress-bar on --upgrade pip
	@$(PIP) install --editable '.[$(EXTRA)]'
	@touch $@
