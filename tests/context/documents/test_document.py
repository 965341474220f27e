import os
import random
import re
import stat
from pathlib import Path

import pytest

from context.documents.document import MAX_DOCUMENT_BYTES, Document, language_of, path_comment, read_document
from context.documents.snapshot import Snapshot
from midspan import DocumentError
from midspan.visible_text import visible_line


def document(text: str, path: str = "a.py") -> Document:
    return Document(path, text, "python", 1)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", ("",)),
        ("a", ("a",)),
        ("a\n", ("a\n", "")),
        ("a\r\nb\rc\n\nd", ("a\r\n", "b\r", "c\n", "\n", "d")),
        ("form\x0cfeed\u2028and\x85more\n", ("form\x0cfeed\u2028and\x85more\n", "")),
    ],
)
def test_lines_end_where_the_editors_end_them(text: str, lines: tuple[str, ...]) -> None:
    assert document(text).lines == lines


def test_lines_are_those_that_a_slow_expression_finds() -> None:
    rng = random.Random(161)
    for _ in range(500):
        text = "".join(rng.choices("ab\n\r", k=rng.randrange(12)))
        assert document(text).lines == tuple(re.split(r"(?<=\n)|(?<=\r)(?!\n)", text))


def test_offsets_and_positions_agree() -> None:
    rng = random.Random(1)
    for _ in range(200):
        text = "".join(rng.choices("ab\n\r\u00e9\U0001f600\t", k=rng.randrange(60)))
        it = document(text)
        assert "".join(it.lines) == text
        for offset in range(len(text) + 1):
            line, character = it.position_at(offset)
            assert it.line_starts[line] + character == offset
            if character <= len(it.lines[line].rstrip("\r\n")):
                assert it.offset_at(line, character) == offset


@pytest.mark.parametrize(("line", "character"), [(3, 0), (-1, 0), (0, 4), (1, 1), (0, -1)])
def test_a_cursor_past_the_end_is_refused_by_name(line: int, character: int) -> None:
    with pytest.raises(DocumentError, match=r"^src/x\.py has no .* Give a "):
        document("abc\n\nd", "src/x.py").offset_at(line, character)


@pytest.mark.parametrize("cursor", [-1, 4])
def test_a_snapshot_has_its_cursor_in_the_document(cursor: int) -> None:
    with pytest.raises(DocumentError, match=r"a\.py has no offset"):
        Snapshot(document("abc"), cursor)


def test_a_file_is_read_under_its_name_in_the_root(tmp_path: Path) -> None:
    path = tmp_path / "pkg" / "m.py"
    path.parent.mkdir()
    path.write_bytes("\ufeffx = 'é'\r\n".encode())
    inside = read_document(path, tmp_path)
    assert (inside.path, inside.language, inside.text) == ("pkg/m.py", "python", "x = 'é'\r\n")
    assert read_document(path, tmp_path / "other").path == path.as_posix()
    assert read_document(str(path)).path == path.as_posix()


def test_what_cannot_be_read_is_refused_with_its_name_and_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"ELF\0\1")
    (tmp_path / "latin.py").write_bytes("é = 1".encode("latin-1"))
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "big.py").open("wb") as big:
        big.truncate(50 * 1024**2)
    for name, says in [
        ("missing.py", "does not exist. Check"),
        ("folder", "is a folder. Name"),
        ("binary", "is binary .* Name"),
        ("latin.py", "not UTF-8 .byte 0xe9 at 0.. Save"),
        ("pipe", "not a regular file. Name"),
        ("big.py", "larger than 4 MB.* Name a smaller"),
        ("zero\0byte", "cannot be read .* Check"),
    ]:
        with pytest.raises(DocumentError, match=says) as caught:
            read_document(tmp_path / name)
        assert visible_line(str(tmp_path / name)) in str(caught.value)


def test_the_size_limit_is_inclusive(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"a" * MAX_DOCUMENT_BYTES)
    assert len(read_document(path).text) == MAX_DOCUMENT_BYTES


def test_a_file_without_permission_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.py"
    path.write_text("x")
    path.chmod(0)
    if os.access(path, os.R_OK):  # root reads every file: let the call itself refuse

        def deny(*_: object, **__: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "open", deny)
    with pytest.raises(DocumentError, match=r"a\.py cannot be read \(Permission denied\)"):
        read_document(path)
    path.chmod(stat.S_IRUSR | stat.S_IWUSR)


@pytest.mark.parametrize(
    ("path", "language", "comment"),
    [
        ("flask/app.py", "python", "# flask/app.py\n"),
        ("src/x.ts", "typescript", "// src/x.ts\n"),
        ("src/App.TSX", "typescriptreact", "// src/App.TSX\n"),
        ("a.html", "html", "<!-- a.html -->\n"),
        ("a.css", "css", "/* a.css */\n"),
        ("lib/Makefile", "makefile", "# lib/Makefile\n"),
        ("init.lua", "lua", "-- init.lua\n"),
        ("NOTES", "plaintext", "# NOTES\n"),
        (".py", "python", "# .py\n"),
        ("C:\\src\\m.rs", "rust", "// C:\\src\\m.rs\n"),
    ],
)
def test_each_language_has_its_own_path_comment(path: str, language: str, comment: str) -> None:
    assert language_of(path) == language
    assert path_comment(language, path) == comment


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("#pragma once\nclass API_EXPORT Box final : public Base {\n};\n", "cpp"),
        ("namespace a::b {\nint f();\n}\n", "cpp"),
        ("  template <class T>\n  struct Box;\n", "cpp"),
        ("struct Box {\n private:\n  int size;\n};\n", "cpp"),
        ("using Size = unsigned;\n", "cpp"),
        ("#include <vector>\nstruct Box { std::vector<int> sizes; };\n", "cpp"),
        ("#include <stdint.h>\nstruct box { int size; };\n", "c"),
        ("/* A class for boxes,\n   using the size of\n   class structs. */\nstruct box {\n  int public;\n};\n", "c"),
        ('#ifdef __cplusplus\nextern "C" {\n#endif\nint f(int class);\n', "c"),
    ],
)
def test_a_header_is_in_the_language_of_its_text(tmp_path: Path, text: str, language: str) -> None:
    (tmp_path / "box.h").write_text(text)
    (tmp_path / "box.py").write_text(text)
    assert read_document(tmp_path / "box.h").language == language
    assert read_document(tmp_path / "box.py").language == "python"


def test_a_path_comment_is_one_line_that_can_be_encoded() -> None:
    comment = path_comment("python", "a\nb\udce9\u2028.py")
    assert comment.encode() == b"# a?b??.py\n"
    assert path_comment("no such language", "x") == "# x\n"
