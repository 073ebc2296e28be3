# make app | make test | make check | make bench [ROW=name] | make docs | make clean
# Needs only python3 (3.11 to 3.14), make and, for what is missing, apt.
# VENV and PYTHON may be given: make app VENV=/tmp/venv PYTHON=python3.12 ARGS="--port 7861"

PYTHON ?= python3
VENV ?= .venv
ARGS ?=
ROW ?=
PY := $(VENV)/bin/python
AS_ROOT := $(shell [ "$$(id -u)" = 0 ] || command -v sudo)
RUNTIME := $(VENV)/.runtime-$(shell cat requirements.txt | sha256sum | cut -c1-12)
DEV := $(VENV)/.dev-$(shell cat requirements.txt requirements-dev.txt | sha256sum | cut -c1-12)
ORACLES := $(VENV)/.oracles-$(shell cat requirements-oracles.txt | sha256sum | cut -c1-12)
HEADLESS := $(shell grep '^opencv-python-headless' requirements.txt)
WORKERS ?= 3  # a third of the time tests wait for a browser, a server or a clock: more than two keep two cores busy
PYTEST = $(PY) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder  # the long files of tests/browser first, not last
QUICK := not slow and not gpu and not weights
# A test run starts Python a hundred times: compiled files are kept, whatever the shell says.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: app test slow check bench docs clean

app: $(RUNTIME)
	@exec $(PY) app.py $(ARGS)

test: $(DEV)
	@sh tests/chromium.sh $(AS_ROOT)
	@$(MAKE) --no-print-directory js
	@$(PYTEST) -m "$(QUICK)"

slow: $(DEV) $(ORACLES)
	@$(PYTEST) -m "slow and not gpu and not weights"

.PHONY: js
js:
	@node=$$(command -v node || ls $(VENV)/lib/python3*/site-packages/playwright/driver/node); \
	files=$$(ls tests/js/*.test.mjs 2>/dev/null); [ -z "$$files" ] || "$$node" --test --test-reporter=dot $$files

check: $(DEV)
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check -q .
	@rm -f tabs/_parts/*.pyi  # which Gradio writes, and mypy would read instead of the code
	@$(PY) -m mypy --cache-dir $(VENV)/.mypy
	@$(PY) -m pytest tests/test_house*.py

bench: $(DEV)
	@$(PY) -m bench $(ROW)

docs: $(RUNTIME)
	@$(PY) docs/endpoints.py
	@$(PY) docs/map.py

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis bench/results.json
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' \
		|| { echo "Tator needs Python 3.11 to 3.14; $(PYTHON) is $$($(PYTHON) --version). Try: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "Installing python3-venv"; $(AS_ROOT) apt-get update -qq && $(AS_ROOT) apt-get install -y -qq python3-venv; }
	$(PYTHON) -m venv $(VENV)

$(RUNTIME): | $(PY)
	$(PY) -m pip install -q --disable-pip-version-check -r requirements.txt
	@rm -f $(VENV)/.runtime-* && touch $@

# ultralytics brings opencv-python, which wants libGL from the system; ours of the same version goes on top.
$(DEV): | $(RUNTIME)
	$(PY) -m pip install -q --disable-pip-version-check -r requirements-dev.txt
	$(PY) -m pip install -q --disable-pip-version-check --force-reinstall --no-deps $(HEADLESS)
	@rm -f $(VENV)/.dev-* && touch $@

# Programs that read our exports but cannot live in one environment with us; tests/oracles.py of the slow tests asks them.
$(ORACLES): | $(PY)
	$(PY) -m venv --clear $(VENV)/oracles
	$(VENV)/oracles/bin/python -m pip install -q --disable-pip-version-check -r requirements-oracles.txt
	@rm -f $(VENV)/.oracles-* && touch $@
