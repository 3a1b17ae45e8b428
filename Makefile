# Each verb sets up what it needs in .venv, says what it is doing, and is quick the second time.
SHELL  := bash
PYTHON ?= python3
BIN    := $(CURDIR)/.venv/bin
PIP    := $(BIN)/pip -qq --disable-pip-version-check install -c requirements/pins.txt
export PATH := $(BIN):$(PATH)

.PHONY: help setup demo check test bench mutants sanitize clean
.DELETE_ON_ERROR:

help:
	@echo "make setup     the package in .venv, editable: kernels are rebuilt when their source changes"
	@echo "make demo      learns real handwritten digits by minimising the negative log-likelihood"
	@echo "make check     lint, format, types, layers"
	@echo "make test      the whole suite"
	@echo "make bench     speed and accuracy beside torch, JAX, SciPy, scikit-learn, NumPy and a memory copy"
	@echo "make mutants   seeds bugs into a copy of the source and shows which test catches each"
	@echo "make sanitize  the suite on kernels built under AddressSanitizer and UndefinedBehaviorSanitizer"

setup: .venv/.demo
	@echo "ready: . .venv/bin/activate puts python and neglog in reach"

demo: .venv/.demo
	@neglog demo

check: .venv/.test
	@echo "== lint, format";  ruff check . && ruff format --check .
	@echo "== types";         mypy
	@echo "== structure";     python -m pytest -q tests/test_structure.py

test: .venv/.test
	@echo "== tests"
	@python -m pytest $(ARGS)

bench: .venv/.bench
	@python -m bench $(ARGS)

mutants: .venv/.test
	@python -m mutants $(ARGS)

SANITIZE    := build/sanitize
ABOUT_FILES := wheel structure docs
sanitize: .venv/.test
	@echo "== building the kernels under AddressSanitizer and UndefinedBehaviorSanitizer"
	@rm -rf $(SANITIZE)/site
	@$(PIP) --no-build-isolation --no-deps --no-warn-conflicts --target $(SANITIZE)/site \
	  -C build-dir=$(SANITIZE)/cmake -C cmake.define.NEGLOG_SANITIZE=ON .
	@echo "== tests on them"
	@SKBUILD_EDITABLE_SKIP=$(CURDIR)/build/editable PYTHONPATH=$(SANITIZE)/site \
	  LD_PRELOAD="$$($${CXX:-c++} -print-file-name=libasan.so) $$($${CXX:-c++} -print-file-name=libstdc++.so)" \
	  ASAN_OPTIONS=detect_leaks=0:halt_on_error=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
	  python -m pytest $(or $(ARGS),tests $(ABOUT_FILES:%=--ignore=tests/test_%.py))

clean:
	rm -rf build dist .venv/.demo .venv/.test .venv/.bench

# ---- what stands in .venv; a stamp is older than its recipe's inputs exactly when it must be redone

.venv/bin/python:
	@echo "== making .venv with $(PYTHON)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "neglog needs Python 3.11 or newer: make PYTHON=python3.11")'
	@$(PYTHON) -m venv .venv

.venv/.demo: pyproject.toml CMakeLists.txt requirements/pins.txt requirements/build.txt | .venv/bin/python
	@echo "== installing the build tools"
	@$(PIP) -r requirements/build.txt
	@echo "== building the kernels, installing neglog[cli]"
	@$(PIP) --no-build-isolation -e '.[cli]'
	@touch $@

.venv/.test: .venv/.demo requirements/test.txt
	@echo "== installing the test tools"
	@$(PIP) -r requirements/test.txt
	@touch $@

.venv/.bench: .venv/.test requirements/bench.txt
	@echo "== installing the benchmark's peers"
	@$(PIP) -r requirements/bench.txt
	@touch $@
