"""The root that a file lies in, and the name that the file has in prompts."""

import os
from collections.abc import Iterable
from pathlib import Path


def relative_path(path: Path, root: Path | None) -> str:
    """Return the name that a document has in prompts: from the root where the file is inside it, else absolute."""
    absolute = Path(os.path.abspath(path))  # not resolve(): a link has a name of its own
    if root is None:
        return absolute.as_posix()
    return (_below(absolute, Path(os.path.abspath(root))) or absolute).as_posix()


def nearest_root(path: Path, roots: Iterable[Path]) -> Path | None:
    """Return the innermost root that holds a file; None: none does.

    Where the file's name begins with no root's, links count: a language server opens files by the names that links lead
    to, and one file has one name in prompts, and the rules of its root.
    """
    roots = list(roots)
    holding = [root for root in roots if path.is_relative_to(root)] or [root for root in roots if _below(path, root)]
    return max(holding, key=lambda root: len(root.parts), default=None)


def _below(path: Path, root: Path) -> Path | None:
    """Return the path from the root; None where the file is outside, also by the names that links lead to."""
    if path.is_relative_to(root):
        return path.relative_to(root)
    real, real_root = Path(os.path.realpath(path.parent), path.name), os.path.realpath(root)
    return real.relative_to(real_root) if real.is_relative_to(real_root) else None
