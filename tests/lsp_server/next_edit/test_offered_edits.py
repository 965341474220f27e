"""An offered edit is one of the right file, and only the last offers hold the texts that they were made for."""

import gc
import weakref

from tests.context.tree import write_tree
from tests.fake_engine import FakeEngine
from tests.lsp_server.client import INVOKED, URI, InProcess
from tests.lsp_server.next_edit.conftest import SetRules
from tests.lsp_server.next_edit.editing import NO_PAUSE, ask, renamed


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
    added = {"added": [{"uri": one.as_uri(), "name": "one"}], "removed": []}
    await editor.notify("workspace/didChangeWorkspaceFolders", {"event": added})
    for file in (two / "b.py", one / "b.py", one / "a.py"):
        await editor.open("old\n", file.as_uri())
    await editor.change((0, 0), (0, 3), "new", (one / "a.py").as_uri())
    edits = await ask(editor, 0, 3, uri=(one / "a.py").as_uri())
    assert [edit["textDocument"]["uri"] for edit in edits] == [(one / "b.py").as_uri()]
    await editor.notify("textDocument/didClose", {"textDocument": {"uri": (one / "b.py").as_uri()}})
    assert await ask(editor, 0, 3, uri=(one / "a.py").as_uri(), kind=INVOKED) == []
    await editor.request("shutdown")
