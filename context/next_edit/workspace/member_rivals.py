"""The classes of a workspace that define a member of some name, as the text of their files says."""

import re
from functools import lru_cache

from context.documents.document import Document
from context.next_edit.names.resolve_names import find_word
from context.next_edit.workspace.workspace_files import languages_with

_SCRIPTS = languages_with("typescript")
_SCRIPT_MEMBER = (
    r"[ \t]+(?:(?:public|private|protected|readonly|static|declare|override|abstract|accessor|get|set|async)[ \t]+)*"
    r"[#*]?{name}[ \t]*[?!]?[ \t]*[:(=;<]"
)
# The lines that define a member where they are in the block of a class, from their beginning.
_MEMBERS = {
    "python": r"[ \t]+(?:async[ \t]+)?(?:def[ \t]+{name}\b|{name}[ \t]*(?::|=(?!=)))",
    "go": r"[ \t]+(?:\w+, )*{name}(?:, \w+)*[ \t(]+[\w*\[\])]",
    **dict.fromkeys(_SCRIPTS, _SCRIPT_MEMBER),
}
# The parts of a line that define a member wherever it is.
_DEFINITIONS = {
    "python": r"\b(?:self|cls)\.{name}\b[^=\n()]*=(?!=)",
    "go": r"^func \([^)\n]*\) {name}\(|\bstruct ?\{ ?{name} ",
    **dict.fromkeys(
        _SCRIPTS,
        r"\b(?:public|private|protected|readonly)[ \t]+{name}\b"
        r"|\b(?:class|interface|type)\b[^\n]*[{;,][ \t]*{name}[?!]?[ \t]*[:(=]|\bthis\.{name}[ \t]*=(?!=)",
    ),
}
_HEADERS = {
    "python": re.compile(r"[ \t]*class\b"),
    "go": re.compile(r".*\b(?:struct|interface)\b"),
    **dict.fromkeys(_SCRIPTS, re.compile(r".*\b(?:class|interface|type|implements|extends)\b")),
}
_HEADER_LINES = 400  # above a member, at most, the class begins


def defines_member(document: Document, name: str) -> bool:
    """Return whether a class of the document may define a member of this name. The document is not parsed for that."""
    language = document.language
    if language not in _MEMBERS:
        return False
    definition, member = _expression(_DEFINITIONS[language], name), _expression(_MEMBERS[language], name)
    text, end = document.text, -1
    for start in find_word(text, name):
        if start < end:
            continue  # on the same line
        first = text.rfind("\n", 0, start) + 1
        end = text.find("\n", start) % (len(text) + 1)
        line = text[first:end]
        if definition.search(line) or (member.match(line) and _is_in_class(document, document.position_at(start)[0])):
            return True
    return False


@lru_cache(maxsize=64)
def _expression(pattern: str, name: str) -> re.Pattern[str]:
    return re.compile(pattern.replace("{name}", re.escape(name)))


def _is_in_class(document: Document, line: int) -> bool:
    """Return whether the block around a line is that of a class: the line above that is indented less begins one."""
    indent = _indent(document.lines[line])
    for above in reversed(document.lines[max(0, line - _HEADER_LINES) : line]):
        if above.strip() and _indent(above) < indent and not above.lstrip().startswith(("#", ")")):
            return _HEADERS[document.language].match(above) is not None
    return False


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
