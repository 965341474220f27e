"""A folder chooses no server and no model in the real VS Code, trusted or not."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.e2e.conftest import THEIR_WORD, USERS_WORD, bring_model, hostile
from tests.e2e.vscode import ROOT, VSCode, vscode
from tests.inference.remote.api_server import ApiServer


class TestVSCode:
    @pytest.fixture(params=[True, False], ids=["trusted", "untrusted"])
    def editor(
        self, browser: Browser, folder: Path, server: ApiServer, request: pytest.FixtureRequest
    ) -> Iterator[VSCode]:
        program, log_file = folder.parent / "midspan", folder.parent / "midspan.log"
        program.write_text(
            f"#!/bin/sh\nexport XDG_CONFIG_HOME={folder.parent}/CONFIG\n"
            f'cd {ROOT}; exec {sys.executable} -m lsp_server.cli "$@" --log-file {log_file}\n'
        )
        program.chmod(0o755)
        names = ("midspan.completion.model", "midspan.chat.model")
        theirs: dict[str, Any] = {name: hostile(server) for name in names}
        theirs |= {"midspan.path": "/bin/false", "midspan.completion.max_tokens": 3}
        mine = {"midspan.path": str(program)}
        is_trusted = request.param
        with vscode(
            browser,
            folder,
            program,
            log_file,
            mine,
            model="mine",
            folders_settings=theirs,
            is_trusted=is_trusted,
        ) as editor:
            yield editor

    def test_a_folders_settings_choose_no_server(self, editor, server, request):
        editor.open("area.py", "")
        editor.begin("x = ")
        # A folder that is trusted may shorten completions, one that is not may do nothing.
        shown = USERS_WORD if "untrusted" in request.node.name else USERS_WORD[:3]
        editor.until(lambda: editor.ghost_text() == shown, "there is no ghost text of the user's model")
        assert server.received == []


def test_vs_code_asks(browser: Browser, folder: Path):
    bring_model(folder / "shop")
    program, log_file = folder.parent / "midspan", folder.parent / "midspan.log"
    program.write_text(
        f"#!/bin/sh\nexport XDG_CONFIG_HOME={folder.parent}/CONFIG\n"
        f'cd {ROOT}; exec {sys.executable} -m lsp_server.cli "$@" --log-file {log_file}\n'
    )
    program.chmod(0o755)
    with vscode(browser, folder, program, log_file, {}, model="mine") as editor:
        toast = editor.page.locator(".notification-toast", has_text=str(folder / "shop/m"))
        editor.wait_for(toast)
        editor.open("area.py", "")
        editor.begin("x = ")
        editor.until(lambda: editor.ghost_text() == USERS_WORD, "typing waits for the answer")
        editor.notification(str(folder / "shop/m")).get_by_text("Allow", exact=True).click()
        editor.until(lambda: editor.status.inner_text().split() == ["m"], "their model is not loaded")
        editor.page.locator(".editor-instance .view-lines").first.click()
        editor.press("Control+End", "Enter")
        editor.begin("y = ")
        editor.until(lambda: editor.ghost_text() == THEIR_WORD, "their model does not complete")
