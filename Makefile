# The two commands of the README are `make run` and `make test`. Python: 3.11 or newer.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
NEWEST := .venv-newest
VSCODE := editors/vscode
# npm, with the Node.js of .tools
NPM    := PATH="$(CURDIR)/.tools/node/bin:$$PATH" npm --prefix $(VSCODE)

.PHONY: run test test-newest check lint lint-platforms docs lock dist train clean

# Complete a real file of this repository at a real cursor, with the built-in model, offline.
run: $(VENV)/native-step
	$(BIN)/midspan complete $(or $(AT),docs/demo/basket.py:18:25) --show

# Two tests run at a time, but for those that watch how long one waits. Those of the editors mostly wait, so that an editor
# in a browser and one in a terminal can be driven beside each other.
test: $(VENV)/installed-dev $(VENV)/native-step .tools/nvim/nvim .tools/emacs/emacs .tools/browser/chromium .tools/tmux/tmux \
		.tools/code-server/code-server $(VSCODE)/midspan.vsix
	$(NPM) test
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --ignore tests/e2e --ignore tests/fuzz
	$(BIN)/python -m pytest tests/e2e -m browser & browser=$$!; \
		$(BIN)/python -m pytest tests/e2e -m "not browser"; terminal=$$?; wait $$browser && exit $$terminal
	$(BIN)/python -m pytest tests/fuzz

lint: docs $(VENV)/installed-dev $(VSCODE)/node_modules/.package-lock.json
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(NPM) run check

# What users install, as mypy sees it on the systems that no test runs on.
lint-platforms: $(VENV)/installed-dev
	for system in win32 darwin; do $(BIN)/mypy --platform $$system --cache-dir .mypy_cache/$$system \
		-p context -p evaluation -p inference -p kernels -p lsp_server -p midspan || exit; done

check: lint lint-platforms test

# In the background, at the lowest priority; it resumes where it stopped. It says how to pause and to end it.
train: $(VENV)/installed-dev
	$(BIN)/python -m training --background

clean:
	rm -rf $(VENV) $(NEWEST) .tools $(VSCODE)/node_modules $(VSCODE)/dist $(VSCODE)/*.vsix dist *.egg-info build kernels/cpu/libmidspan_cpu.* .pytest_cache .mypy_cache .ruff_cache

$(VENV)/installed: pyproject.toml requirements/run.lock requirements/cuda.lock scripts/install-locked.sh
	$(PYTHON) -m venv $(VENV)
	bash scripts/install-locked.sh $(BIN)/python run
	touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements/dev.lock
	bash scripts/install-locked.sh $(BIN)/python dev
	touch $@

# The installation builds the library; a change of its sources builds it anew. Without a compiler there is none.
$(VENV)/native-step: $(VENV)/installed setup.py $(wildcard kernels/cpu/*.cpp kernels/cpu/*.h)
	$(BIN)/python setup.py --quiet build_ext --inplace
	touch $@

# Resolve the newest releases that pyproject.toml allows, for every later install.
lock: $(VENV)/installed-dev
	bash scripts/lock.sh $(BIN)/python

# The documentation as a site, in build/site. A link that leads nowhere is an error.
docs: $(VENV)/installed-dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

# All that a release uploads, in dist/; packaging/README.md says where each goes. The wheel takes the .vsix along.
dist: $(VENV)/installed-dev $(VSCODE)/midspan.vsix
	PATH="$(CURDIR)/.tools/node/bin:$$PATH" bash scripts/build-dist.sh $(BIN)/python

# The tests on the newest releases that pyproject.toml allows, in an environment of their own, with the editors of .tools.
test-newest:
	$(PYTHON) -m venv --clear $(NEWEST)
	$(NEWEST)/bin/python -m pip install --quiet --upgrade --upgrade-strategy eager --editable '.[dev]'
	$(NEWEST)/bin/python -m pip freeze --exclude-editable
	$(NEWEST)/bin/python -m pytest

.tools/nvim/nvim: $(VENV)/installed-dev scripts/install-nvim.sh
	PATH="$(CURDIR)/$(BIN):$$PATH" bash scripts/install-nvim.sh .tools/nvim

.tools/emacs/emacs: $(VENV)/installed-dev scripts/install-emacs.sh
	PATH="$(CURDIR)/$(BIN):$$PATH" bash scripts/install-emacs.sh .tools/emacs

.tools/browser/chromium: $(VENV)/installed-dev scripts/install-browser.sh
	PATH="$(CURDIR)/$(BIN):$$PATH" bash scripts/install-browser.sh .tools/browser

.tools/tmux/tmux: scripts/install-tmux.sh
	bash scripts/install-tmux.sh .tools/tmux

.tools/node/installed: $(VENV)/installed-dev scripts/install-node.sh
	PATH="$(CURDIR)/$(BIN):$$PATH" bash scripts/install-node.sh .tools/node

.tools/code-server/code-server: scripts/install-code-server.sh | .tools/node/installed
	PATH="$(CURDIR)/.tools/node/bin:$$PATH" bash scripts/install-code-server.sh .tools/code-server

$(VSCODE)/node_modules/.package-lock.json: $(VSCODE)/package-lock.json | .tools/node/installed
	$(NPM) ci --silent --no-audit --no-fund --ignore-scripts
	touch $@

$(VSCODE)/midspan.vsix: $(VSCODE)/node_modules/.package-lock.json $(VSCODE)/package.json $(VSCODE)/build.mjs $(VSCODE)/README.md $(VSCODE)/picture.png \
		$(wildcard $(VSCODE)/src/*.ts $(VSCODE)/src/*/* $(VSCODE)/media/* $(VSCODE)/media/walkthrough/*)
	$(NPM) run --silent package
