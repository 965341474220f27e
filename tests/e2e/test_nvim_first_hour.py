"""What a new user of Neovim meets: a file that has no name yet."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import scripted
from tests.e2e.neovim import PROGRAM, PROGRAM_0_11, Neovim, needs_neovim
from tests.e2e.scripted_neovim import open_empty_file, scripted_neovim

GHOST_TEXT = "first_word + second.word()"

IS_OPEN = """
local uri = ...
return vim.iter(vim.lsp.get_clients({ name = 'midspan' })):any(function(client)
  local answer = client:request_sync('midspan/document', { textDocument = { uri = uri } }, 10000)
  return answer.result ~= nil and answer.result ~= vim.NIL
end)
"""

pytestmark = needs_neovim


@pytest.fixture(scope="module", params=[PROGRAM, PROGRAM_0_11], ids=["0.12", "0.11"])
def running(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Neovim]:
    with scripted_neovim(tmp_path_factory.mktemp("scripted"), request.param, scripted.ANSWERS) as editor:
        yield editor


@pytest.fixture
def editor(running: Neovim, request: pytest.FixtureRequest) -> Neovim:
    open_empty_file(running, request.node.name)
    return running


def is_open(editor: Neovim, uri: str) -> bool:
    """Return whether a server has the document."""
    return bool(editor.api.exec_lua(IS_OPEN, uri))


@pytest.mark.parametrize("command", ["file", "write", "saveas"])
def test_a_buffer_that_gets_its_name_after_its_type_is_completed_at_once(editor, command):
    editor.api.command("enew")
    editor.api.command("setfiletype python")
    editor.until(lambda: is_open(editor, "file://"), "the buffer without a name is not open")
    path = editor.log_file.with_name(f"named_by_{command}.py")
    editor.api.command(f"{command} {path}")
    editor.until(lambda: is_open(editor, path.as_uri()), "the document has not its name")
    assert not is_open(editor, "file://")
    editor.type("ix = ")
    editor.see(GHOST_TEXT)


def test_a_file_that_gets_another_name_is_no_document_under_the_old_one(editor):
    old, new = Path(editor.api.current.buffer.name), editor.log_file.with_name("another_name.py")
    editor.until(lambda: is_open(editor, old.as_uri()), "the file is not open")
    editor.api.command(f"file {new}")
    editor.until(lambda: is_open(editor, new.as_uri()), "the document has not its new name")
    assert not is_open(editor, old.as_uri())
