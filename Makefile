# Everything runs in a virtual environment of its own, .venv/X.Y, made from a bare python3 that has venv.
# Another interpreter: make test PYTHON=python3.13. More for pytest: make test ARGS="-x -k truth".

PYTHON ?= python3
ARGS ?=
VERSIONS := 3.11 3.12 3.13
# The NumPy versions at the ends of what is supported, each with the Python that has wheels for it.
NUMPYS := 1.26.4:3.11 2.0.0:3.12
# What measures: these tests run on both ledgers.
MEASURING := truth properties following at_peak errors_and_threads ledger_life foreign_tools pure guest magics

TAG := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
ifeq ($(TAG),)
$(error $(PYTHON) does not run. Name a Python 3.11 or newer: make PYTHON=python3.12)
endif
BIN := $(CURDIR)/.venv/$(TAG)/bin
# Made anew when what is installed changed: the package is installed as a user would have it, not linked to.
STAMP := .venv/$(TAG)/installed
SOURCES := pyproject.toml setup.py $(shell find npmem_magic -name '*.py' -o -name '*.c' -o -name '*.h')
# Twice quiet: a folder that some configured package index lacks is no news.
QUIET := PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip install --quiet --quiet

.PHONY: help test test-all test-numpy lint demo docs pictures html clean
.DEFAULT_GOAL := help

help:
	@echo "make test      the tests, on $(PYTHON) ($(TAG)), against the installed package"
	@echo "make test-all  the same on each of $(VERSIONS) that is found"
	@echo "make test-numpy  what measures, with the oldest NumPy of 1 and 2 ($(NUMPYS)); the others have the newest"
	@echo "make lint      ruff and strict mypy"
	@echo "make demo      runs notebooks/00-quickstart.ipynb, prints its report, leaves it as HTML"
	@echo "make docs      the pages of the rules and the API reference, in build/docs/index.html"
	@echo "make pictures  the pictures of the README, from JupyterLab in a headless Chromium"
	@echo "make html      runs every notebook and leaves them as HTML pages in notebooks/html"
ifneq ($(wildcard benchmarks/__main__.py),)
	@echo "make bench     the measurements the README quotes"
endif
	@echo "make clean     removes what make made"

$(STAMP): $(SOURCES)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "npmem_magic needs Python 3.11 or newer; this is %d.%d" % sys.version_info[:2])'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv/$(TAG)
	@test -f .venv/$(TAG)/builder || { $(QUIET) --upgrade "setuptools>=77" "numpy>=2" && touch .venv/$(TAG)/builder; }
	@rm -rf build
	@$(QUIET) --no-build-isolation ".[dev]"
	@touch $@

# From tests/ the checkout cannot be imported by accident: test_install asserts that the installed package is.
test: $(STAMP)
	@cd tests && NPMEM_TEST_INSTALLED=1 $(BIN)/pytest -q $(ARGS)

test-all:
	@failed=; for version in $(VERSIONS); do \
	  if python=$$(sh .ci/find-python $$version); then \
	    echo "== Python $$version"; $(MAKE) --no-print-directory test PYTHON="$$python" || failed="$$failed $$version"; \
	  else echo "== Python $$version is not on this machine: left out"; fi; \
	done; test -z "$$failed" || { echo "Failed on:$$failed"; exit 1; }

# Each pair in an environment of its own; the ledger is compiled with NumPy 2 there, too, and serves NumPy 1.26.
test-numpy:
	@failed=; for pair in $(NUMPYS); do \
	  numpy=$${pair%:*}; version=$${pair#*:}; bin=$(CURDIR)/.venv/numpy-$$numpy/bin; \
	  python=$$(sh .ci/find-python $$version) || { echo "== Python $$version is not on this machine: left out"; continue; }; \
	  echo "== NumPy $$numpy on Python $$version"; \
	  test -x $$bin/python || $$python -m venv .venv/numpy-$$numpy; \
	  rm -rf build; \
	  { PIP_DISABLE_PIP_VERSION_CHECK=1 $$bin/python -m pip install --quiet --quiet "numpy==$$numpy" ".[test]" && \
	    cd tests && $$bin/python -m pytest -q $(MEASURING:%=test_%.py) $(ARGS) && cd ..; } || { cd $(CURDIR); failed="$$failed $$numpy"; }; \
	done; test -z "$$failed" || { echo "Failed with NumPy$$failed"; exit 1; }

lint: $(STAMP)
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --diff --quiet .
	@$(BIN)/mypy --no-error-summary

demo: $(STAMP)
	@$(BIN)/python notebooks/demo.py

docs: $(STAMP)
	@$(QUIET) ".[docs]"
	@$(BIN)/python docs/rule_pages.py README.md
	@$(BIN)/python -m sphinx -q -W --keep-going -b html docs build/docs
	@echo "build/docs/index.html"

pictures: $(STAMP)
	@$(QUIET) ".[pictures]"
	@$(BIN)/python docs/pictures.py

html: $(STAMP)
	@$(BIN)/python notebooks/demo.py --all

ifneq ($(wildcard benchmarks/__main__.py),)
.PHONY: bench
bench: $(STAMP)
	@PYTHONSAFEPATH=1 $(BIN)/python benchmarks $(ARGS)
endif

clean:
	@rm -rf .venv build dist notebooks/html npmem_magic.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
