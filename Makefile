# Everything a checkout needs. `make demo` and `make test` set themselves up.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
NODE_TOOLS ?= $(VENV)/node
EXTRAS ?= dev
JOBS ?= 4

.PHONY: demo picture test test-long test-lowest test-newest check schemas bench baseline mcpb image-check node-tools release clean

demo: $(STAMP)
	$(BIN)/texml-mcp demo

# docs/demo.svg, from a demo that is run for it.
picture: $(STAMP)
	$(BIN)/python packaging/demo_picture.py

# Four at a time, since many wait for a process or a clock; a file stays together. What builds, starts fleets or drives
# browsers is in `test-long`, and so are the further cases and longer walks of what `test` tries.
PYTEST := $(BIN)/python -m pytest -n $(JOBS) --dist loadfile

test: $(STAMP)
	$(PYTEST) -m "not long"

test-long: $(STAMP)
	$(PYTEST) -m long

# The suite's parts that our dependencies decide, in an environment of its own that is thrown away. Lowest is what
# pyproject.toml names as lowest; what those packages need themselves is new.
DEPENDENT ?= tests/tools tests/results tests/client tests/identity tests/server tests/http tests/cli
test-lowest: RESOLUTION = lowest-direct
test-newest: RESOLUTION = highest
test-lowest test-newest: $(STAMP)
	@set -e; fresh=$$(mktemp -d); trap 'rm -rf "$$fresh"' EXIT; \
	$(BIN)/uv venv --quiet --python $(BIN)/python "$$fresh"; \
	$(BIN)/uv pip install --quiet --python "$$fresh/bin/python" --resolution $(RESOLUTION) --editable '.[dev]'; \
	"$$fresh/bin/python" -m pytest -p no:cacheprovider $(DEPENDENT)

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/texml-mcp schemas check
	$(BIN)/python packaging/server_json.py check
	$(BIN)/python -m benchmarks deterministic --check

schemas: $(STAMP)
	$(BIN)/texml-mcp schemas write
	$(BIN)/python packaging/server_json.py write

# With PEERS=folder, servers of others are installed there and compared too; PAGE=1 rewrites docs/benchmarks.md.
bench: $(STAMP)
	$(BIN)/python -m benchmarks $(if $(PEERS),--peers $(PEERS)) $(if $(PAGE),--page)

# Accepts what tokens, bytes, modules and instructions are now; say in the commit why they changed.
baseline: $(STAMP)
	$(BIN)/python -m benchmarks deterministic --instructions --accept

mcpb: $(STAMP)
	$(BIN)/python packaging/build_mcpb.py dist

image-check: $(STAMP)
	$(BIN)/python -m pytest tests/packaging/test_image.py tests/packaging/test_stack.py

# Checks, builds and tries a release; publishes nothing. The version stands in texml_mcp/__init__.py.
release: $(STAMP)
	$(BIN)/python packaging/release.py $(VERSION)

node-tools: $(NODE_TOOLS)/.installed

# Node 22, the conformance suite and clients in TypeScript, by npm. No package runs code of its own at install.
$(NODE_TOOLS)/.installed: tests/node_tools/package.json
	mkdir -p $(NODE_TOOLS)
	cp tests/node_tools/package.json $(NODE_TOOLS)/
	npm install --prefix $(NODE_TOOLS) --ignore-scripts --no-package-lock --no-audit --no-fund --loglevel=error
	touch $@

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	echo "texml-mcp needs Python 3.11 or later; $(PYTHON) is $$($(PYTHON) -V 2>&1 || true)." >&2; \
	echo "With another: make $(MAKECMDGOALS) PYTHON=python3.13" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	echo "$(PYTHON) cannot make a virtual environment. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[$(EXTRAS)]"
	touch $(STAMP)

clean:
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .hypothesis
