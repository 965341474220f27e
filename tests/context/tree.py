"""Small workspaces on the disk."""

from collections.abc import Mapping
from pathlib import Path

from context.index.database import index_path
from context.index.index import Index
from context.index.view import View
from context.rules.rules import Rules

KEY = "AKIA" + "Q7RZ3MXW5TN8K2LV"  # looks like a real key; in two parts, so that this file holds none
SECONDS = 30.0


def write_tree(root: Path, files: Mapping[str, str]) -> Path:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return root


def indexed(root: Path, cache: Path) -> tuple[Index, View]:
    index = Index(index_path(root, cache))
    index.update(Rules(root))
    return index, View(index)


def bytes_on_disk(folder: Path) -> bytes:
    """Return the content of all files in the folder."""
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())
