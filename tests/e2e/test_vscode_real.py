"""The built-in model in the real VS Code."""

import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.e2e.vscode import ROOT, vscode
from tests.lsp_server.daemons import place

CALL = "total = add_prices(first_price, second_price)"


def test_the_built_in_model_completes(browser: Browser, tmp_path: Path):
    program = tmp_path / "midspan"
    log_file = tmp_path / "midspan.log"
    program.write_text(f'#!/bin/sh\ncd {ROOT}; exec {sys.executable} -m lsp_server.cli "$@" --log-file {log_file}\n')
    program.chmod(0o755)
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        place(monkeypatch),
        vscode(browser, tmp_path, program, log_file, {}, model="builtin") as editor,
    ):
        file = editor.open("real.py", f"{CALL}\n{CALL}\n")
        editor.type("total = add_prices(")
        editor.press("Alt+Backslash")  # a key shows an answer of low confidence too
        editor.until(editor.ghost_text, "there is no ghost text")
        editor.press("Tab")
        begun = f"{CALL}\n{CALL}\ntotal = add_prices("
        text = editor.saved(file)
        assert text.startswith(begun)
        assert len(text) > len(begun)
