# Each verb sets up what it needs in .venv, says what it is doing, and is quick the second time.
SHELL  := bash
PYTHON ?= python3
BIN    := $(CURDIR)/.venv/bin
PIP    := $(BIN)/pip -qq --disable-pip-version-check install -c requirements/pins.txt
export PATH := $(BIN):$(PATH)

.PHONY: help setup demo check test bench docs mutants sanitize clean
.DELETE_ON_ERROR:

help:
	@echo "make setup     the package in .venv, editable: kernels are rebuilt when their source changes"
	@echo "make demo      learns real handwritten digits by minimising the negative log-likelihood"
	@echo "make check     lint, format, types, layers"
	@echo "make test      the whole suite"
	@echo "make bench     speed and accuracy beside torch, JAX, SciPy, scikit-learn, NumPy and a memory copy"
	@echo "make docs      tutorial and reference, English and Korean, in build/docs; their code is run"
	@echo "make mutants   seeds bugs into a copy of the source and shows which test catches each"
	@echo "make sanitize  the suite on kernels built under AddressSanitizer and UndefinedBehaviorSanitizer"

setup: .venv/.demo
	@echo "ready: . .venv/bin/activate puts python and neglog in reach"

demo: .venv/.demo
	@mkdir -p build
	@neglog demo --output build/neglog-demo.png --force

check: .venv/.test
	@echo "== lint, format";  ruff check . && ruff format --check . && clang-format -n -Werror kernels/*.[ch]pp
	@echo "== types";         mypy
	@echo "== structure";     python -m pytest -q tests/project/test_structure.py tests/project/test_files.py

test: .venv/.test
	@echo "== tests"
	@python -m pytest -n 2 --dist worksteal $(ARGS)

bench: .venv/.bench
	@python -m bench $(ARGS)

docs: .venv/.docs
	@for language in en ko; do echo "== build/docs/$$language"; \
	  sphinx-build -q -W --keep-going -c docs -D language=$$language docs/$$language \
	    build/docs/$$language || exit; done
	@cp docs/index.html build/docs/index.html
	@echo "== the code of the pages and of the exercises"
	@python -m pytest -q tests/docs/test_docs.py tests/docs/test_tutorial.py tests/docs/test_exercises.py
	@echo "open build/docs/index.html"

mutants: .venv/.test
	@python -m mutants $(ARGS)

SANITIZE    := $(CURDIR)/build/sanitize
LIBRARY      = $(shell $${CXX:-c++} -print-file-name=$(1))
# Tests about the project's files, of torch's compiler (they compile, for an hour under a preloaded
# sanitizer) and of the page (a browser must not be preloaded), and one that limits the address space, which leaves a sanitizer none for its shadow.
NOT_HERE    := $(patsubst %,--ignore-glob='tests/%',project/* docs/* page/* \
                 $(patsubst %,torch_face/test_%.py,compile distributed examples patch)) \
               --deselect=tests/contract/test_threads.py::test_ctrl_c_during_a_long_call
sanitize: .venv/.test
	@echo "== building the kernels under AddressSanitizer and UndefinedBehaviorSanitizer"
	@rm -rf $(SANITIZE)/site $(SANITIZE)/found.*
	@$(PIP) --no-build-isolation --no-deps --no-warn-conflicts --target $(SANITIZE)/site \
	  -C build-dir=$(SANITIZE)/cmake -C cmake.define.NEGLOG_SANITIZE=ON .
	@echo "== tests on them"
	@SKBUILD_EDITABLE_SKIP=$(CURDIR)/build/editable PYTHONPATH=$(SANITIZE)/site \
	  LD_PRELOAD="$(call LIBRARY,libasan.so) $(call LIBRARY,libstdc++.so)" \
	  ASAN_OPTIONS=detect_leaks=0:log_path=$(SANITIZE)/found \
	  UBSAN_OPTIONS=print_stacktrace=1:log_path=$(SANITIZE)/found \
	  python -m pytest $(or $(ARGS),tests $(NOT_HERE)) || \
	  { grep -hE -A 9 'ERROR|runtime error' $(SANITIZE)/found.*; exit 1; }

clean:
	rm -rf build dist .venv/.demo .venv/.test .venv/.bench .venv/.docs

# ---- what stands in .venv; a stamp is older than its recipe's inputs exactly when it must be redone

.venv/bin/python:
	@echo "== making .venv with $(PYTHON)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "neglog needs Python 3.11 or newer: make PYTHON=python3.11")'
	@$(PYTHON) -m venv .venv

# An editable install calls cmake at import. The link is to the program itself, for pip's `cmake` is
# a Python script around it, 0.1 s slower; the line makes it found where .venv is not activated.
FIND_CMAKE := import os, sys; os.environ["PATH"] = os.path.join(sys.prefix, "bin") + os.pathsep + os.environ.get("PATH", "")

.venv/.demo: pyproject.toml CMakeLists.txt requirements/pins.txt requirements/build.txt | .venv/bin/python
	@echo "== installing the build tools"
	@$(PIP) -r requirements/build.txt
	@ln -sf $$(python -c 'import cmake; print(cmake.CMAKE_BIN_DIR)')/cmake $(BIN)/cmake
	@echo '$(FIND_CMAKE)' > $$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/find_cmake.pth
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

.venv/.docs: .venv/.test requirements/docs.txt
	@echo "== installing what builds the pages"
	@$(PIP) -r requirements/docs.txt
	@touch $@
