"""The words of a file: the smallest pieces that a change replaces, each with its kind and its place.

The scanner knows comments and strings of Python, TypeScript and Go, and nothing else of their grammars. It shares no
code with the rules that the cases measure.
"""

import re
from dataclasses import dataclass
from sys import intern

_NAME = r"[A-Za-z_$][\w$]*"
_LITERAL = r"\d[\w.]*"
_QUOTED = r'"(?:\\.|[^"\\\n])*"?|\'(?:\\.|[^\'\\\n])*\'?'
_C_COMMENT = r"//[^\n]*|/\*.*?(?:\*/|\Z)"
_PROSE = {
    "python": r'#[^\n]*|""".*?(?:"""|\Z)|\'\'\'.*?(?:\'\'\'|\Z)|' + _QUOTED,
    "typescript": rf"{_C_COMMENT}|`(?:\\.|[^`\\])*`?|{_QUOTED}",
    "go": rf"{_C_COMMENT}|`[^`]*`?|{_QUOTED}",
}
_PIECE = re.compile(r"\w+|[^\w\s]")
_SCANNERS = {
    language: re.compile(rf"(?P<prose>{prose})|(?P<name>{_NAME})|(?P<literal>{_LITERAL})|(?P<mark>[^\w\s])", re.DOTALL)
    for language, prose in _PROSE.items()
}
LANGUAGES = tuple(_PROSE)


@dataclass(frozen=True, slots=True)
class Word:
    """A word and its line, counted from 0. `kind` is name, literal, mark, or prose in a string or a comment."""

    text: str
    kind: str
    line: int


def scan_words(text: str, language: str) -> tuple[Word, ...]:
    """Return the words of a file in one of `LANGUAGES`."""
    words = []
    line = read = 0
    for found in _SCANNERS[language].finditer(text):
        line += text.count("\n", read, found.start())
        read = found.start()
        kind = found.lastgroup or ""
        if kind == "prose":
            for number, prose in enumerate(found[0].split("\n"), line):
                words += [Word(intern(piece), "prose", number) for piece in _PIECE.findall(prose)]
        else:
            words.append(Word(intern(found[0]), kind, line))
    return tuple(words)
