"""A small lexer that finds the brackets of a text, and the string in which the text ends."""

import re
from dataclasses import dataclass
from functools import cache

from context.documents.languages import block_comment

_PAIRS = {"(": ")", "[": "]", "{": "}"}
_CLOSERS = set(_PAIRS.values())
_CHARACTER = r"'(?:\\[^\n']{1,10}|[^'\\\n])'"  # so that '(' is no bracket, and a lifetime or 1'000 opens no string
_REGEX = r"(?<=[=(,:!&|?{;])\s*/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[])+/"
_RAW_STRING = r'\br(?P<hashes>#+)"[\s\S]*?(?:"(?P=hashes)|\Z)'
_RAW_STRING_OF_CPP = r'\bR"(?P<delimiter>[^()\\\s]{0,16})\([\s\S]*?(?:\)(?P=delimiter)"|\Z)'
_C_COMMENTS = r"//[^\n]*|/\*[\s\S]*?(?:\*/|\Z)"
_HASH_COMMENT = r"#[^\n]*"
LONG_QUOTES = frozenset({'"""', "'''", "`"})  # strings in these quotes may span lines


@dataclass(frozen=True)
class _Syntax:
    """The parts of a language that hide brackets: `skipped` matches comments and the like, `quotes` open strings."""

    skipped: str
    quotes: str

    def pattern(self) -> re.Pattern[str]:
        strings = [
            rf"{quote}(?:\\[\s\S]|[^\\])*?(?:{quote}|\Z)"
            if quote in LONG_QUOTES
            else rf"{quote}(?:\\[\s\S]|[^{quote}\\\n])*(?:{quote}|(?=\n)|\\?\Z)"
            for quote in self.quotes.split()
        ]
        # Each alternative begins with a literal character, so that `re` can skip all other characters.
        brackets = [re.escape(bracket) for pair in _PAIRS.items() for bracket in pair]
        return re.compile("|".join([*brackets, *filter(None, [self.skipped]), *strings]))


_C = f"{_C_COMMENTS}|{_CHARACTER}"
_SYNTAXES = {
    **dict.fromkeys(("c", "objective-c", "objective-cpp", "proto", "zig"), _Syntax(_C, '"')),
    **dict.fromkeys(("cpp", "cuda"), _Syntax(f"{_C}|{_RAW_STRING_OF_CPP}", '"')),
    **dict.fromkeys(("csharp", "java", "kotlin", "scala", "swift"), _Syntax(_C, '""" "')),
    **dict.fromkeys(
        ("javascript", "javascriptreact", "typescript", "typescriptreact"),
        _Syntax(f"{_C_COMMENTS}|{_REGEX}", "` \" '"),
    ),
    **dict.fromkeys(("less", "scss", "dart"), _Syntax(_C_COMMENTS, "\" '")),
    "css": _Syntax(r"/\*[\s\S]*?(?:\*/|\Z)", "\" '"),
    "go": _Syntax(_C, '" `'),
    "groovy": _Syntax(_C_COMMENTS, "\"\"\" ''' \" '"),
    **dict.fromkeys(("json", "jsonc"), _Syntax(_C_COMMENTS, '"')),
    "julia": _Syntax(f"#=[\\s\\S]*?(?:=#|\\Z)|{_HASH_COMMENT}|{_CHARACTER}", '""" "'),
    "lua": _Syntax(r"--\[\[[\s\S]*?(?:\]\]|\Z)|--[^\n]*", "\" '"),
    "php": _Syntax(f"{_C_COMMENTS}|{_HASH_COMMENT}", "\" '"),
    "python": _Syntax(_HASH_COMMENT, "\"\"\" ''' \" '"),
    **dict.fromkeys(("r", "ruby"), _Syntax(_HASH_COMMENT, "\" '")),
    "rust": _Syntax(f"{_C}|{_RAW_STRING}", '"'),
    "terraform": _Syntax(f"{_C_COMMENTS}|{_HASH_COMMENT}", '"'),
}
# The syntax of a line in any other language: no comments are known, and any quote opens a string.
_UNKNOWN = _Syntax("", "\" '")


def is_known(language: str) -> bool:
    """Return whether the lexer knows the language, so that it can judge more than one line."""
    return language in _SYNTAXES


@dataclass(frozen=True)
class Lexed:
    """The offsets of brackets, and the string or the comment in which the text ends; "" outside of them.

    `open_string` is the quote that would end the string, `open_comment` the mark that would end the comment.
    """

    matched: dict[int, int]  # closer -> its opener
    closed: tuple[int, ...]  # closers without an opener, or of another kind than the last opener
    opened: tuple[int, ...]  # openers that stay open
    open_string: str
    open_comment: str


def lex(text: str, language: str) -> Lexed:
    """Find the brackets outside of strings and comments, and pair them."""
    matched: dict[int, int] = {}
    closed: list[int] = []
    stack: list[int] = []
    last = None
    for last in _pattern(language).finditer(text):
        offset = last.start()
        character = text[offset]
        if character in _PAIRS:
            stack.append(offset)
        elif character not in _CLOSERS:
            continue
        elif stack and _PAIRS[text[stack[-1]]] == character:
            matched[offset] = stack.pop()
        else:
            closed.append(offset)
    token = "" if last is None or last.end() < len(text) else last.group()
    open_string, open_comment = _unended_quote(token, language), _unended_comment(token, language)
    return Lexed(matched, tuple(closed), tuple(stack), open_string, open_comment)


def find_string_end(text: str, start: int, language: str) -> int | None:
    """Return the offset of the quote that closes the string around `start`; None without one."""
    for token in _pattern(language).finditer(text):
        if token.start() < start < token.end() or token.start() < start == token.end() == len(text):
            quote = _quote(token.group(), language)
            is_ended = quote and not _unended_quote(token.group(), language)
            return token.end() - len(quote) if is_ended and token.end() > start else None
    return None


@cache
def _pattern(language: str) -> re.Pattern[str]:
    return _SYNTAXES.get(language, _UNKNOWN).pattern()


def _quote(token: str, language: str) -> str:
    quotes = _SYNTAXES.get(language, _UNKNOWN).quotes.split()
    return next((quote for quote in quotes if token.startswith(quote)), "")


def _unended_quote(token: str, language: str) -> str:
    """Return the quote of a string that does not end, else ""."""
    quote = _quote(token, language)
    body = token[len(quote) :]
    if not quote or _without_escapes(body).endswith(quote):
        return ""
    return quote


def _unended_comment(token: str, language: str) -> str:
    """Return the mark that would end the comment, else ""."""
    marks = block_comment(language)
    if marks is None or not token.startswith(marks[0]) or token.endswith(marks[1], len(marks[0])):
        return ""
    return marks[1]


def _without_escapes(body: str) -> str:
    return re.sub(r"\\[\s\S]", "", body)
