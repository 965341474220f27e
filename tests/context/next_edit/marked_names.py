"""Renamings that a text says with marks: what is renamed («») and what has to follow (‹›)."""

import re
from collections.abc import Mapping
from pathlib import Path

from context.index.index import Index
from tests.context.next_edit.typing_user import TypingUser
from tests.context.tree import indexed, write_tree

_ANY = re.compile("«.*?»|‹.*?›")
_MARKS = dict.fromkeys(map(ord, "«»‹›"))


def without_marks(text: str) -> str:
    return text.translate(_MARKS)


def with_renamed(text: str, new: str) -> str:
    return _ANY.sub(new, text)


def rename_marked(path: str, marked: str, new: str, index: Index | None = None) -> TypingUser:
    """Open the marked file, rename what is between «», and take all that is proposed."""
    user = TypingUser({path: without_marks(marked)}, index)
    before, _, after = marked.partition("«")
    start = len(without_marks(before))
    user.become(path, start, start + after.index("»"), new)
    user.accept_all()
    return user


def check_files(folder: Path, marked: Mapping[str, str], new: str) -> None:
    """Rename in the file with «», in an index of all files, and compare all texts."""
    files = {path: without_marks(text) for path, text in marked.items()}
    index, _ = indexed(write_tree(folder / "root", files), folder / "cache")
    first = next(path for path, text in marked.items() if "«" in text)
    user = rename_marked(first, marked[first], new, index)
    changed = {path: with_renamed(text, new) for path, text in marked.items() if _ANY.search(text)}
    assert {path: document.text for path, document in user.buffers.items()} == changed
    index.close()
