"""The words of a file: the smallest pieces that a change replaces, each with its kind and its place.

The scanner knows comments and strings of Python, TypeScript and Go, and nothing else of their grammars. It shares no
code with the rules that the cases measure.
"""

import re
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Word:
    """One word and its line, counted from 0. `kind` is name, literal, mark, or prose in a string or a comment."""

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
            for piece in _PIECE.finditer(found[0]):
                words.append(Word(piece[0], "prose", line + found[0].count("\n", 0, piece.start())))
        else:
            words.append(Word(found[0], kind, line))
    return tuple(words)
