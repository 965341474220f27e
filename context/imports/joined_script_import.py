"""Joins a name to an import of the same module that a script has, in the form and order of the file."""

import re
from bisect import bisect

from context.documents.document import Document
from context.imports.import_text import ImportText, is_in_text

_STATEMENT = re.compile(
    r"""^import\s+(?:\w+\s*,\s*)?\{(?P<names>[^{}]*)\}\s*from\s*(?P<quote>["'])(?P<module>[^"'\n]+)(?P=quote)""",
    re.MULTILINE,
)
_NAME = re.compile(r"(?:type\s+)?[\w$]+(?:\s+as\s+[\w$]+)?")
_BETWEEN = re.compile(r",\s+")


def join_script_import(document: Document, statement: str) -> ImportText | None:
    """Return the change that adds the statement's name; None where no import can take it.

    An import of types alone (`import type`) takes no name, which may be a value.
    """
    wanted = _STATEMENT.match(statement)
    if wanted is None:
        return None
    for match in _STATEMENT.finditer(document.text):
        if match["module"] == wanted["module"] and not is_in_text(document, match.start()):
            return _joined(match, wanted["names"].strip())
    return None


def _joined(match: re.Match[str], name: str) -> ImportText | None:
    listed = match["names"]
    found = list(_NAME.finditer(listed))
    if not found:
        return None
    between = listed[found[0].end() : found[1].start()] if len(found) > 1 else _between_new(listed, found[0])
    if _BETWEEN.fullmatch(between) is None:
        return None
    keys = [re.sub(r"^type\s+", "", one[0]).lower() for one in found]
    place = bisect(keys, name.lower()) if len(keys) > 1 and keys == sorted(keys) else len(keys)
    if place < len(keys):
        start = match.start("names") + found[place].start()
        return ImportText(start, start, name + between)
    end = match.start("names") + found[-1].end()
    return ImportText(end, end, between + name)


def _between_new(listed: str, only: re.Match[str]) -> str:
    """Return what stands between two names of a list that has one as yet."""
    before = listed[: only.start()]
    return "," + before if "\n" in before else ", "
