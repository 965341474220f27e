"""A view of buffers and the index, as one prompt asks it."""

from pathlib import Path

import pytest

from context.documents.document import Document
from context.index import view as view_module
from context.index.view import View
from context.syntax.syntax import Outline
from tests.context.tree import indexed, write_tree


def test_the_classes_of_a_header_in_cpp_are_known(tmp_path: Path) -> None:
    text = "class Box {\n public:\n  int grow(int by);\n};\n"
    _, view = indexed(write_tree(tmp_path / "root", {"box.h": text}), tmp_path / "cache")
    assert view.definitions(["Box", "grow"], 5).keys() == {"Box", "grow"}


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
