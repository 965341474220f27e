"""A view of buffers and the index, as one prompt asks it."""

import pytest

from context.documents.document import Document
from context.index import view as view_module
from context.index.view import View
from context.syntax.syntax import Outline


def test_a_prompt_parses_each_buffer_once_however_long_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"def function_{number}():\n    pass\n" + ("# " + 2000 * "x" + "\n") * 170 for number in range(4)]
    buffers = [Document(f"file_{number}.py", text, "python", 1) for number, text in enumerate(texts)]
    parse, parsed_paths = view_module.parsed, []

    def count(document: Document) -> Outline:
        parsed_paths.append(document.path)
        return parse(document)

    monkeypatch.setattr(view_module, "parsed", count)
    view = View(None, buffers)
    for number in range(4):
        assert view.definitions([f"function_{number}"], 5).keys() == {f"function_{number}"}
    assert sorted(parsed_paths) == [buffer.path for buffer in buffers]
