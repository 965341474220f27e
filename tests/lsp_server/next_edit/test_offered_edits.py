"""An offered edit is one of the right file, and only the last offers hold the texts that they were made for."""

import gc
import weakref
from pathlib import Path

from context.documents.document import Document
from context.next_edit.proposal import Proposal, Rule
from tests.context.tree import write_tree
from tests.fake_engine import FakeEngine
from tests.lsp_server.client import INVOKED, URI, InProcess
from tests.lsp_server.next_edit.conftest import SetRules
from tests.lsp_server.next_edit.editing import NO_PAUSE, ask, renamed


async def add_folder(editor: InProcess, folder: Path) -> None:
    added = {"added": [{"uri": folder.as_uri(), "name": folder.name}], "removed": []}
    await editor.notify("workspace/didChangeWorkspaceFolders", {"event": added})


async def test_only_the_last_offers_keep_the_texts_that_they_were_made_for(rules: SetRules):
    editor, texts = await renamed(), []
    for number in range(40):
        await editor.change((2, 6), (2, 7), str(number % 10))
        assert await ask(editor, 0, 3, kind=INVOKED)
        texts.append(weakref.ref(editor.server.session.documents.document(URI)))
    gc.collect()
    assert sum(text() is not None for text in texts) < 20


async def test_an_edit_of_a_file_is_not_one_of_its_namesake_in_another_folder(rules: SetRules, tmp_path):
    """As where two work trees of one repository are open."""
    one, two = (write_tree(tmp_path / name, {"a.py": "old\n", "b.py": "old\n"}) for name in ("one", "two"))
    editor = InProcess(FakeEngine(lambda _before, _after: ""), pauses=NO_PAUSE)
    await editor.initialize(root=two.as_uri())
    await add_folder(editor, one)
    for file in (two / "b.py", one / "b.py", one / "a.py"):
        await editor.open("old\n", file.as_uri())
    await editor.change((0, 0), (0, 3), "new", (one / "a.py").as_uri())
    edits = await ask(editor, 0, 3, uri=(one / "a.py").as_uri())
    assert [edit["textDocument"]["uri"] for edit in edits] == [(one / "b.py").as_uri()]
    await editor.notify("textDocument/didClose", {"textDocument": {"uri": (one / "b.py").as_uri()}})
    assert await ask(editor, 0, 3, uri=(one / "a.py").as_uri(), kind=INVOKED) == []
    await editor.request("shutdown")


async def test_the_recent_edits_of_a_file_are_not_those_of_its_namesake(tmp_path):
    counted, limited = "count = 1\nprint(count)\n", "index = 1\nlimit = 2\nprint(count)\n"
    one, two = (write_tree(tmp_path / name, {"a.py": text}) for name, text in (("one", counted), ("two", limited)))
    editor = InProcess(FakeEngine(lambda _before, _after: ""), pauses=NO_PAUSE)
    await editor.initialize(root=two.as_uri())
    await add_folder(editor, one)
    first, second = ((folder / "a.py").as_uri() for folder in (one, two))
    await editor.open(counted, first)
    await editor.change((0, 0), (0, 5), "total", first)
    await editor.open(limited, second)
    await editor.change((1, 8), (1, 9), "3", second)
    assert await ask(editor, 1, 9, uri=second, kind=INVOKED) == []
    (edit,) = await ask(editor, 0, 5, uri=first, kind=INVOKED)
    assert (edit["textDocument"]["uri"], edit["text"]) == (first, "total")
    await editor.request("shutdown")


async def test_an_edit_of_a_file_that_is_not_open_is_of_its_text_on_the_disk(rules: SetRules, tmp_path):
    """The index follows the disk with a delay."""
    root = write_tree(tmp_path, {"a.py": "x\n", "lib/c.py": "old()\n"})
    closed = Document("lib/c.py", "old()\n", "python", 0)
    rules.are(lambda *_arguments: (Proposal(closed, 0, 3, "new", Rule.RENAME, 1.0),))
    editor = InProcess(FakeEngine(lambda _before, _after: ""), pauses=NO_PAUSE)
    await editor.initialize(root=root.as_uri())
    uri = (root / "a.py").as_uri()
    await editor.open("x\n", uri)
    await editor.change((0, 0), (0, 1), "y", uri)
    (edit,) = await ask(editor, 0, 1, uri=uri, kind=INVOKED)
    assert edit["textDocument"] == {"uri": (root / "lib/c.py").as_uri(), "version": None}
    (root / "lib/c.py").write_text("import os\nold()\n")
    assert await ask(editor, 0, 1, uri=uri, kind=INVOKED) == []
    await editor.request("shutdown")
