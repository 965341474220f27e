"""The languages of the corpus: their files, their share of the documents, and what is left out of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath


@dataclass(frozen=True)
class Language:
    """A language, with JavaScript counted as TypeScript.

    `share` is in documents of fifty. `dropped_parts` are folders whose files are compiled, copied or data.
    """

    name: str
    suffixes: tuple[str, ...]
    share: int
    dropped_parts: frozenset[str] = frozenset()
    # Model zoos repeat one file a hundred times; past this much text a package teaches little new.
    most_package_bytes: int = 2_000_000


_COMPILED = frozenset({"dist", "build", "cjs", "esm", "umd", "es", "_esm", "_cjs", "_types", "min", "bower_components"})

PYTHON = Language("python", (".py",), 33, frozenset({"migrations", "locale", "bad-syntax", "pydoc_data"}), 8_000_000)
TYPESCRIPT = Language("typescript", (".ts", ".tsx", ".mts", ".js", ".jsx", ".mjs", ".cjs"), 7, _COMPILED)
GO = Language("go", (".go",), 4, frozenset({"Godeps", "debian"}))
RUST = Language("rust", (".rs",), 3)
C = Language("c", (".c", ".h"), 3, frozenset({"deps", "debian"}))
LANGUAGES = (PYTHON, TYPESCRIPT, GO, RUST, C)


def language_of(path: str) -> Language | None:
    """The corpus's language of a file, by its suffix."""
    suffix = PurePosixPath(path).suffix
    return next((language for language in LANGUAGES if suffix in language.suffixes), None)


def main_language(paths: Sequence[str]) -> Language:
    """The language of a package whose kept files are these; Python for one without files."""
    return (language_of(paths[0]) if paths else None) or PYTHON
