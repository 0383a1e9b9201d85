# make train      train one recipe of every model class, briefly
# make test       the tests but for the slow ones
# make test-all   all tests
# make lint       ruff
# make clean      remove the environment, builds and caches; runs stay
#
# Each sets .venv up first where it is missing or setup.cfg has changed since.

.PHONY: train test test-all lint clean
.DEFAULT_GOAL := test

VENV := .venv
PYTHON := $(VENV)/bin/python
INSTALLED := $(VENV)/installed
FITS := import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))

train: $(INSTALLED)
	$(PYTHON) train_all.py --quick

test: $(INSTALLED)
	$(PYTHON) -m pytest -q -m "not slow" --durations=15

test-all: $(INSTALLED)
	$(PYTHON) -m pytest -q

lint: $(INSTALLED)
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# An environment left half made, or by another Python, is made anew.
$(INSTALLED): setup.cfg pyproject.toml
	@if ! $(PYTHON) -c "import pip; $(FITS)" 2>/dev/null; then \
	  found=; \
	  for name in python3 python3.13 python3.12 python3.11; do \
	    if $$name -c "$(FITS)" 2>/dev/null; then found=$$name; break; fi; \
	  done; \
	  if [ -z "$$found" ]; then \
	    echo "make: expected Python 3.11, 3.12 or 3.13 with its venv module on the PATH" >&2; \
	    exit 1; \
	  fi; \
	  echo "$$found -m venv $(VENV)"; \
	  $$found -m venv --clear $(VENV); \
	fi
	$(PYTHON) -m pip install --quiet --upgrade pip
	$(PYTHON) -m pip install --editable ".[test]"
	@touch $@
