"""The root that a file lies in, and the name that the file has in prompts."""

import os
from collections.abc import Iterable
from pathlib import Path


def relative_path(path: Path, root: Path | None) -> str:
    """Return the name that a document has in prompts: from the root where the file is inside it, else absolute."""
    absolute = Path(os.path.abspath(path))  # not resolve(): a link has a name of its own
    if root is None:
        return absolute.as_posix()
    named, holding = absolute, Path(os.path.abspath(root))
    if not named.is_relative_to(holding):
        named, holding = _real_name(absolute), Path(os.path.realpath(root))
    return (named.relative_to(holding) if named.is_relative_to(holding) else absolute).as_posix()


def nearest_root(path: Path, roots: Iterable[Path]) -> Path | None:
    """Return the innermost root that holds a file; None: none does.

    Where the file's name begins with no root's, links count: a language server opens files by the names that links lead
    to, and one file has one name in prompts, and the rules of its root.
    """
    roots = list(roots)
    holding = [root for root in roots if path.is_relative_to(root)]
    if roots and not holding:
        real = _real_name(path)
        holding = [root for root in roots if real.is_relative_to(os.path.realpath(root))]
    return max(holding, key=lambda root: len(root.parts), default=None)


def _real_name(path: Path) -> Path:
    """Return the name of a file below the folder that links lead to; a link to a file keeps its own name."""
    return Path(os.path.realpath(path.parent), path.name)
