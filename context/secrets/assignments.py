"""Secrets by the name that they are given to: `password: …`, `api_key = "…"`, `<token>…</token>`, `ENV DB_PWD …`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from context.secrets.finding import Finding
from context.secrets.linear_expression import compile_linear
from context.secrets.names import WORDS, is_secret_name, takes_secret
from context.secrets.values import LEAST_BITS, LEAST_BITS_IN_PROSE, is_basic_auth, is_given_secret

ASSIGNMENT = "assignment"  # the rule's name
_REACH = 60  # a name has at most so many characters before its word, and after it
_BEFORE = 80
# Of a value, of what stands before its quote, and of a value without quotes with what stands before it. Every match
# below is bounded, whatever the text holds.
_MOST_CHARACTERS = 4096
_MOST_CHARACTERS_BEFORE_QUOTE = 800
_MOST_CHARACTERS_BARE = 1200
LOOKS_AHEAD = _MOST_CHARACTERS_BEFORE_QUOTE + _MOST_CHARACTERS + len("&quot;")
_NAME_BYTES = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-$@"
_NAME_END = re.compile(rb"[\w-]{0,60}")

_TYPE = (
    rb"(?:\s{0,4}:\s{0,4}&?(?:'\w+\s)?(?:mut\s)?[A-Za-z_][\w.:]{0,40}(?:[<\[][\w<>\[\], .|:]{0,60}[>\]])?\??"
    rb"(?:\s?\|\s?\w+)?|(?:[ \t][\w.*\[\]]{1,40}){1,2})?"
)
_SIGN = rb"(?::=|[=!]={1,2}|\?\?=|\|\|=|[?:+]?=>?|:|->|<-|\|\||\?\?|\bor\b|\bto\b|\{)"
_CALL = rb"(?:(?:new\s|await\s|&)?(?:[\w.:<>\[\]!]{1,40})?(?<!Hex)(?<!hex)(?<!_h)\(\s{0,40}){0,2}"
_OTHERWISE = rb"(?:[\w.]{1,60}\s{0,3}(?:\?\?|\|\||\bor\b)\s{0,3})?"
_QUOTE = rb"(?:@|[A-Za-z]{0,3})?(?P<quote>\"\"\"|'''|\\\"|\\'|&quot;|[\"'`])"
# From the end of the name to the quote before the value.
_QUOTED = re.compile(
    rb"(?P<close>(?:\[\w{0,8}\])?\\?[\"'`\])}]{0,3}|&quot;)"
    rb"(?:"
    + _TYPE
    + rb"\s{0,20}"
    + _SIGN
    + rb"|,?\s{0,80}[\"']?(?:v|V|VAL|defaultV|default_v)(?:alue|ALUE|UE)[\"']?\s{0,4}[:=>]"
    rb"|(?P<comma>\s?,)|(?P<paren>\()|(?P<markup>(?:\s[\w:]{1,20}=\"[^\"]{0,40}\"){0,3}\s?>\s?)"
    rb"|\s{0,4}\{[^{}]{0,300}?\bdefault\s{0,10}=|(?P<space>[ \t]{1,8}))"
    rb"[\s(\\]{0,80}" + _OTHERWISE + _CALL + _QUOTE
)
_BODIES = {
    quote: re.compile(rb"(?:[^\\\r\n" + quote[-1:] + rb"]|\\[^\r\n])*") for quote in (b'"""', b"'''", b'"', b"'", b"`")
} | {b'\\"': re.compile(rb"[^\"\\\r\n]*"), b"\\'": re.compile(rb"[^'\\\r\n]*"), b"&quot;": re.compile(rb"[^&\r\n]*")}
# From the end of the name to a value without quotes; `tight` has no spaces around its sign.
_BARE = re.compile(
    rb"[\"'\])]{0,2}(?:(?P<tight>[=:](?![=:]))(?=[^\s=>])"
    rb"|(?P<block>:[ \t]{0,4}[|>][+-]?[ \t]{0,4}\r?\n[ \t]{1,40})"
    rb"|(?P<markup>>(?:\s{0,20}<value>)?)|(?P<default>:-)"
    rb"|(?P<loose>[ \t]{0,40}(?::=|[?+]?=|:|=>)[ \t]{0,40}(?:!!\w{1,20}[ \t])?)"
    rb"|\r?\n?[ \t]{0,40}-?\s{0,40}value\s?[:=]\s{0,4}|(?P<space>[ \t]{1,8}))"
    rb"(?P<value>[^\s\"'`<>]{8,1024})"
)
_BARE_BEGUN = re.compile(rb"[\"'\])]{0,2}[ \t]*[:=][ \t]*(?P<value>[^\s\"'`<>]+)")
_REFERENCE = re.compile(rb"[$<{%@]")
# A value that gives something to a name itself is no secret: that name is looked at when its turn comes.
_NESTED = re.compile(rb"(?i)(?:pass|pwd|secret|token|key|auth|cred|dsn)[\w-]{0,20}[=:]")
_AROUND = " \\\"'"  # a text in quotes may begin with a quote of its own
_BARE_END = re.compile(r"[;&,)\]}|]")
_COMMAND = re.compile(
    rb"(?:^|\n)[ \t]*(?:ENV|ARG|set(?:x|env)?(?:[ \t]+-\w+)*)[ \t]+\S*$|[ \t'\"]--?[\w-]*$|#[ \t]*define[ \t]+\S*$"
    rb"|configure[ \t]+set[ \t]+\S*$|(?:login|machine|user)\s\S+\s+\S*$|(?i:with|by)[ \t]+\S*$|:\w*$"
)
_COMMENT = re.compile(rb"\s*(?:#|//|--|\*|;|%|<!--)")
_CODE = re.compile(
    r"(?i)\.(?:py|pyi|pyx|js|jsx|mjs|cjs|ts|tsx|mts|cts|go|rs|java|c|h|cc|cpp|cxx|hpp|hh|cs|rb|php|kt|kts|swift|scala"
    r"|dart|m|mm|lua|pl|pm|r|ex|exs|erl|clj|groovy|vue|svelte|zig|nim|hs|ml|fs|vb|sql|ps1|css|scss|html?|jsonc?"
    r"|graphql|proto|sol|vim|cuh?)$"
)
_PROSE = re.compile(r"\.(?i:md|mdx|markdown|rst|txt|adoc|tex|patch|diff|log)$|(?:^|/)[A-Z_]+$")


@dataclass(frozen=True)
class _Place:
    """The name that is given a value, the text of its line before it, and the kind of file."""

    name: str
    before: bytes
    is_code: bool
    is_prose: bool

    @property
    def is_config(self) -> bool:
        """True when a value needs no quotes there."""
        return not self.is_code and not self.is_prose

    @property
    def is_connection(self) -> bool:
        """True when other names and values stand before, as in a connection string and in an address."""
        return self.before.endswith((b";", b"&", b"?"))

    @property
    def begins_line(self) -> bool:
        """True when only a keyword such as `export` or `var` stands before the name."""
        return len(self.before.split()) <= 2 and not self.before.strip(b" \t-_abcdefghijklmnopqrstuvwxyz$")

    @property
    def is_command(self) -> bool:
        """True when a command, an option or a statement gives the name a value that follows after a space."""
        return _COMMAND.search(self.before + self.name.encode("latin-1")) is not None

    def takes(self, value: str, least_bits: float) -> bool:
        """Return whether the value that is given to the name is a secret."""
        if self.name.lower() in ("auth", "_auth"):
            return is_basic_auth(value)
        return is_given_secret(value, self.name, least_bits)


def find_assigned_secrets(data: bytes, path: str, start: int, end: int) -> Iterator[tuple[int, Finding]]:
    """Yield the secrets that are given to a name which says so, between two line starts, each with its name's offset.

    The text has one byte a character. All that decides whether a value is a secret ends `LOOKS_AHEAD` characters
    behind the name.
    """
    for place, name_end in _places(data, path, start, end):
        if found := _quoted(data, name_end, place) or _bare(data, name_end, place):
            yield name_end - 1, found


def is_value_begun(before: str, path: str) -> bool:
    """Return whether a line's text before the cursor ends within a value that is given to the name of a secret."""
    data = before.encode("latin-1", "replace")
    for place, end in _places(data, path, 0, len(data)):
        quoted = _QUOTED.match(data, end)
        if quoted is not None and _may_be_quoted(quoted, place):
            value = data[quoted.end() :]
            if value and quoted["quote"] not in value and not _REFERENCE.match(value):
                return True
        elif place.is_config and (bare := _BARE_BEGUN.fullmatch(data, end)):
            return not _REFERENCE.match(bare["value"])
    return False


def _places(data: bytes, path: str, start: int, end: int) -> Iterator[tuple[_Place, int]]:
    """Yield the names of secrets between two line starts, each with the offset of its end. No name is on two lines."""
    is_code, is_prose = _CODE.search(path) is not None, _PROSE.search(path) is not None
    seen = 0
    for match in _words().finditer(data, start, end):
        if match.start() < seen:  # within a name that has been looked at
            continue
        head = data[max(match.start() - _REACH, 0) : match.start()]
        first = match.start() - len(head) + len(head.rstrip(_NAME_BYTES))
        tail = _NAME_END.match(data, match.end())
        seen = tail.end() if tail else match.end()
        name = data[first:seen].decode("latin-1")
        if is_secret_name(name):
            before = data[max(first - _BEFORE, 0) : first].rpartition(b"\n")[2]
            yield _Place(name, before, is_code=is_code, is_prose=is_prose), seen


@cache
def _words() -> Any:
    return compile_linear(f"(?i){WORDS}")


def _quoted(data: bytes, end: int, place: _Place) -> Finding | None:
    match = _QUOTED.match(data, end, end + _MOST_CHARACTERS_BEFORE_QUOTE)
    if match is None or not _may_be_quoted(match, place):
        return None
    quote = match["quote"]
    body = _BODIES[quote].match(data, match.end(), match.end() + _MOST_CHARACTERS)
    if body is None or (len(quote) < 3 and not data.startswith(quote, body.end())):
        return None
    value = body.group().decode("latin-1")
    start = match.end() + len(value) - len(value.lstrip(_AROUND))
    value = value.strip(_AROUND)
    if place.takes(value, LEAST_BITS_IN_PROSE if place.is_prose else LEAST_BITS):
        return Finding(start, start + len(value), ASSIGNMENT)
    return None


def _may_be_quoted(match: re.Match[bytes], place: _Place) -> bool:
    """Return whether the quote before the value gives it to the name."""
    if not match["close"] and place.before.count(match["quote"]) % 2:
        return False  # the quote ends a text that the name stands in
    if match["comma"]:  # define("NAME", "value")
        return bool(match["close"]) and (place.name.isupper() or place.before[:-1].rstrip().endswith(b"("))
    if match["paren"]:
        return takes_secret(place.name)
    if match["markup"]:
        return bool(match["close"]) or not place.is_code
    if match["space"]:
        return place.is_command or (place.begins_line and not place.is_prose)
    return True


def _bare(data: bytes, end: int, place: _Place) -> Finding | None:
    match = _BARE.match(data, end, end + _MOST_CHARACTERS_BARE)
    if match is None or _NESTED.search(match["value"]):
        return None
    if match["space"] and not place.is_command and not (place.is_config and place.begins_line):
        return None
    value = match["value"].decode("latin-1")
    if not place.is_config or not (place.begins_line or place.is_command):
        value = _BARE_END.split(value, maxsplit=1)[0]
    if not place.is_config and not _is_literal(match, value, place):
        return None
    value = value.rstrip(",;\\")
    if place.takes(value, LEAST_BITS if place.is_config or place.is_connection else LEAST_BITS_IN_PROSE):
        start = match.start("value")
        return Finding(start, start + len(value), ASSIGNMENT)
    return None


def _is_literal(match: re.Match[bytes], value: str, place: _Place) -> bool:
    """Return whether characters without quotes in source code or prose are a value and not a name."""
    if place.is_connection:
        return True
    if not (any(map(str.isdigit, value)) and any(map(str.isalpha, value))):
        return False
    is_tight = match["tight"] or match["markup"] or match["default"] or place.is_command
    is_line = not place.before.strip(b" \t-*")
    return bool(is_tight) or is_line or _COMMENT.match(place.before) is not None
