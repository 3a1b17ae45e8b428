# Each verb installs what it needs in .venv and says what it does. Later runs are fast.
SHELL  := bash
PYTHON ?= python3
BIN    := $(CURDIR)/.venv/bin
PIP    := $(BIN)/pip -qq --disable-pip-version-check install -c requirements/pins.txt
export PATH := $(BIN):$(PATH)

.PHONY: help setup demo check test test-oldest cross bench docs mutants exhaustive sanitize clean
.DELETE_ON_ERROR:

help:
	@echo "make setup        install the package in .venv, editable: changed kernels are rebuilt at import"
	@echo "make demo         learn real handwritten digits by minimising the negative log-likelihood, and report on them"
	@echo "make check        lint, format, types, structure"
	@echo "make test         run the whole suite; CXX=clang++-16 runs it on kernels built by that compiler"
	@echo "make test-oldest  run the NumPy tests on the oldest NumPy, SciPy and scikit-learn supported"
	@echo "make cross        compile the kernels for Linux, macOS and Windows on x86-64 and ARM"
	@echo "make bench        measure speed and accuracy against torch, JAX, SciPy, scikit-learn, NumPy and memcpy"
	@echo "make docs         build tutorial and reference in build/docs, English and Korean, and run their code"
	@echo "make mutants      plant bugs in a copy of the source and show which test catches each"
	@echo "make exhaustive   compare exp and log1p with exact values on all floats: half an hour; ARGS=100 takes a sample"
	@echo "make sanitize     run the suite on kernels built with AddressSanitizer and UndefinedBehaviorSanitizer"
	@echo "make clean        remove what was built"

setup: .venv/.demo
	@echo "ready: . .venv/bin/activate puts python and neglog in reach"

demo: .venv/.demo
	@mkdir -p build
	@neglog demo --output build/neglog-demo.png --predictions build/neglog-demo.parquet --force
	@neglog report build/neglog-demo.parquet --html build/neglog-demo.html --force

check: .venv/.test
	@echo "== lint, format";  ruff check . && ruff format --check . && clang-format -n -Werror $$(find kernels -name '*.[ch]pp')
	@echo "== types";         mypy
	@echo "== structure";     python -m pytest -q tests/project/test_structure.py tests/project/test_files.py

# Kernels from another build, in a folder of their own; the editable install steps aside.
BUILD_IN     = rm -rf $(1)/site && $(PIP) --no-build-isolation --no-deps --no-warn-conflicts \
                 --target $(1)/site --config-settings build-dir=$(1)/cmake
FROM         = SKBUILD_EDITABLE_SKIP=$(CURDIR)/build/editable PYTHONPATH=$(1)/site

# Two processes share two cores. Threads of a BLAS that wait for each other there turn 0.3 s of a
# test of the solver into 16.
ONE_EACH    := OPENBLAS_NUM_THREADS=1

ifeq ($(origin CXX),command line)
OTHER       := $(CURDIR)/build/$(notdir $(CXX))
# Inductor would compile with CXX, too, and the project's tests build wheels: both as always.
test: .venv/.test
	@echo "== building the kernels with $(CXX)"
	@$(call BUILD_IN,$(OTHER)) --config-settings cmake.define.CMAKE_CXX_COMPILER=$(CXX) .
	@echo "== tests on them"
	@$(call FROM,$(OTHER)) env -u CXX $(ONE_EACH) python -m pytest -n 2 --dist worksteal $(or $(ARGS),tests)
else
test: .venv/.test
	@echo "== tests"
	@$(ONE_EACH) python -m pytest -n 2 --dist worksteal $(ARGS)
endif

# The wheel comes from build/wheel, where tests/project/test_wheel.py builds it, too.
OLDEST      := tests/contract tests/engine tests/head tests/learn
# scikit-learn 1.6 hands pytest a generator, which it will refuse one day.
ITERATORS   := ignore:Passing a non-Collection:pytest.PytestRemovedIn10Warning
test-oldest: .venv/.test .venv-oldest/.ready
	@echo "== building a wheel"
	@rm -rf build/oldest
	@pip -qq --disable-pip-version-check wheel --no-build-isolation --no-deps \
	  --config-settings build-dir=build/wheel -w build/oldest .
	@pip -qq --disable-pip-version-check --python .venv-oldest/bin/python install \
	  --no-index --no-deps --force-reinstall build/oldest/neglog-*.whl
	@echo "== tests on the oldest versions"
	@$(ONE_EACH) .venv-oldest/bin/python -m pytest -n 2 --dist worksteal -W "$(ITERATORS)" $(or $(ARGS),$(OLDEST))

cross: .venv/.cross
	@.ci/cross python -m ziglang c++

bench: .venv/.bench
	@python -m bench $(ARGS)

docs: .venv/.docs
	@for language in en ko; do echo "== build/docs/$$language"; \
	  sphinx-build -q -W --keep-going -c docs -D language=$$language docs/$$language \
	    build/docs/$$language || exit; done
	@cp docs/index.html build/docs/index.html
	@echo "== the code of the pages and of the exercises"
	@python -m pytest -q tests/docs/test_docs.py tests/docs/test_typesetting.py tests/docs/test_tutorial.py \
	  tests/docs/test_exercises.py
	@echo "open build/docs/index.html"

mutants: .venv/.test
	@python -m mutants $(ARGS)

exhaustive: .venv/.test
	@python -m exhaustive $(ARGS)

SANITIZE    := $(CURDIR)/build/sanitize
LIBRARY      = $(shell $${CXX:-c++} -print-file-name=$(1))
# Left out: tests of the project's files; of torch's compiler, which take an hour with a sanitizer
# preloaded; of the page, because a browser must not preload one; and a test that limits the
# address space, which a sanitizer needs for its shadow memory.
NOT_HERE    := $(patsubst %,--ignore-glob='tests/%',project/* docs/* page/* \
                 $(patsubst %,torch_face/test_%.py,compile distributed examples patch)) \
               --deselect=tests/contract/test_threads.py::test_ctrl_c_during_a_long_call
sanitize: .venv/.test
	@echo "== building the kernels with AddressSanitizer and UndefinedBehaviorSanitizer"
	@rm -f $(SANITIZE)/found.*
	@$(call BUILD_IN,$(SANITIZE)) --config-settings cmake.define.NEGLOG_SANITIZE=ON .
	@echo "== tests on them"
	@$(call FROM,$(SANITIZE)) \
	  LD_PRELOAD="$(call LIBRARY,libasan.so) $(call LIBRARY,libstdc++.so)" \
	  ASAN_OPTIONS=detect_leaks=0:log_path=$(SANITIZE)/found \
	  UBSAN_OPTIONS=print_stacktrace=1:log_path=$(SANITIZE)/found \
	  python -m pytest $(or $(ARGS),tests $(NOT_HERE)) || \
	  { grep -hE -A 9 'ERROR|runtime error' $(SANITIZE)/found.*; exit 1; }

clean:
	rm -rf build dist .venv-oldest .venv/.cross .venv/.demo .venv/.test .venv/.bench .venv/.docs

# ---- what is installed in .venv: a stamp older than its inputs is made again

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

.venv/.cross: .venv/.demo requirements/cross.txt
	@echo "== installing a compiler for other platforms"
	@$(PIP) -r requirements/cross.txt
	@touch $@

.venv-oldest/.ready: .venv/.demo pyproject.toml requirements/oldest.py requirements/pins.txt
	@echo "== installing the oldest supported versions in .venv-oldest"
	@rm -rf .venv-oldest
	@python -m venv --without-pip .venv-oldest
	@python requirements/oldest.py > .venv-oldest/requirements.txt
	@pip -qq --disable-pip-version-check --python .venv-oldest/bin/python install \
	  --only-binary :all: -r .venv-oldest/requirements.txt
	@touch $@

.venv/.docs: .venv/.test requirements/docs.txt
	@echo "== installing what builds the pages"
	@$(PIP) -r requirements/docs.txt
	@$(PIP) --no-deps djangocms-katex  # it carries KaTeX; we need nothing else of it
	@touch $@
