"""The files of a package that a file refers to, in every language: named by path, or by what they define.

Python's imports say it all (`imports.py`). Elsewhere a folder or a crate shares its names without saying from which
file one comes, so a name leads to the one file that defines it.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from training.corpus.imports import MAX_IMPORTS, find_imports, module_name
from training.packages.languages import PYTHON, language_of

_NAME = re.compile(r"[A-Za-z_]\w{3,}")
_DEFINITION = re.compile(
    r"^[ \t]*(?:export[ \t]+)?(?:default[ \t]+)?(?:pub(?:\([a-z]+\))?[ \t]+)?"
    r"(?:(?:declare|abstract|async|unsafe|static)[ \t]+)*"
    r"(?:func(?:[ \t]*\([^()\n]*\))?|function\*?|fn|class|interface|struct|enum|union|trait|type|mod|macro_rules!"
    r"|const fn|const|var|let|#[ \t]*define|module\.exports\.|exports\.)[ \t]*(\w{4,})",
    re.MULTILINE,
)
# A function of C begins in the first column, and its name stands before the first bracket; a type may end in its name.
_DEFINITION_IN_C = re.compile(
    r"^(?:[A-Za-z_][\w \t*]*?[ \t*\n])?(\w{4,})[ \t]*\([^;{}]{0,600}\)\s*\{|^\}[ \t]*(\w{4,});", re.M
)
_QUOTED_PATH = re.compile(r"""(?:from|import|require\(|include)[ \t]*["'<]([^"'\n<>]+)["'>]""")
_ENDINGS = ("", ".ts", ".tsx", ".js", ".mjs", "/index.ts", "/index.tsx", "/index.js")


def find_references(paths: Sequence[str], texts: Mapping[str, str]) -> list[list[int]]:
    """For each of the paths the indices of the files that it refers to, at most `MAX_IMPORTS`, the surest first."""
    modules = {module_name(path): index for index, path in enumerate(paths)}
    places = {path: index for index, path in enumerate(paths)}
    definers = _unique_definers(paths, texts)
    found = []
    for index, path in enumerate(paths):
        if language_of(path) == PYTHON:
            found.append(find_imports(path, texts[path], modules))
            continue
        uses = Counter(definers[name] for name in dict.fromkeys(_NAME.findall(texts[path])) if name in definers)
        ranked = [*_named_by_path(path, texts[path], places), *(place for place, _ in uses.most_common(MAX_IMPORTS))]
        found.append([place for place in dict.fromkeys(ranked) if place != index][:MAX_IMPORTS])
    return found


def _unique_definers(paths: Sequence[str], texts: Mapping[str, str]) -> dict[str, int]:
    """Name → the index of the only file that defines it."""
    definers: dict[str, set[int]] = {}
    for index, path in enumerate(paths):
        names = _DEFINITION.findall(texts[path])
        if path.endswith((".c", ".h")):
            names += [name for pair in _DEFINITION_IN_C.findall(texts[path]) for name in pair if name]
        for name in names:
            definers.setdefault(name, set()).add(index)
    return {name: next(iter(where)) for name, where in definers.items() if len(where) == 1}


def _named_by_path(path: str, text: str, places: Mapping[str, int]) -> list[int]:
    """The files whose paths the text quotes, from its own folder, or as the end of theirs."""
    folder = path.split("/")[:-1]
    found = []
    for quoted in _QUOTED_PATH.findall(text):
        parts = list(folder)
        for part in quoted.split("/"):
            if part == "..":
                del parts[-1:]
            elif part != ".":
                parts.append(part)
        # TypeScript names a file by the name that its compiled form will have.
        base = re.sub(r"\.[cm]?js$", "", "/".join(parts))
        place = next((places[base + ending] for ending in _ENDINGS if base + ending in places), None)
        if place is None:
            place = places.get("/".join(parts))
        if place is not None:
            found.append(place)
    return found
