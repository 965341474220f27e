# The two commands of the README are `make run` and `make test`. Python: 3.11 or newer.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.PHONY: run test check lint train clean

# Complete a real file of this repository at a real cursor, with the built-in model, offline.
run: $(VENV)/installed
	$(BIN)/midspan complete $(or $(AT),inference/request.py:41:23) --show

test: $(VENV)/installed-dev .tools/nvim/nvim .tools/emacs/emacs .tools/browser/chromium .tools/tmux/tmux
	$(BIN)/python -m pytest

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

check: lint test

# In the background, at the lowest priority; it resumes where it stopped. It says how to pause and to end it.
train: $(VENV)/installed-dev
	$(BIN)/python -m training --background

clean:
	rm -rf $(VENV) .tools *.egg-info build .pytest_cache .mypy_cache .ruff_cache

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

.tools/nvim/nvim: $(VENV)/installed-dev scripts/install-nvim.sh
	PATH="$(CURDIR)/$(BIN):$$PATH" bash scripts/install-nvim.sh .tools/nvim

.tools/emacs/emacs: $(VENV)/installed-dev scripts/install-emacs.sh
	PATH="$(CURDIR)/$(BIN):$$PATH" bash scripts/install-emacs.sh .tools/emacs

.tools/browser/chromium: $(VENV)/installed-dev scripts/install-browser.sh
	PATH="$(CURDIR)/$(BIN):$$PATH" bash scripts/install-browser.sh .tools/browser

.tools/tmux/tmux: scripts/install-tmux.sh
	bash scripts/install-tmux.sh .tools/tmux
