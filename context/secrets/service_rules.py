"""The keys and tokens of known services, by the expressions of service_rules.toml and more_rules.toml.

Texts are matched as bytes, one for each character: RE2 takes time linear in the text, whatever the text holds.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from context.secrets.finding import Finding
from context.secrets.linear_expression import compile_linear
from context.secrets.randomness import entropy_bits, is_placeholder, randomness_bits

_FILES = [Path(__file__).with_name(f"{name}_rules.toml") for name in ("service", "more")]
# A rule is tried within so many characters around its keyword. Keywords that stand close share one try, so the time is
# linear in the text.
_BEFORE, _LEAST_AFTER, _AFTER = 64, 512, 1024
_PEM_AFTER = 20_000
_PEM = "private-key"
_JWT_IO_PAYLOAD = "eyJzdWIiOiIxMjM0NTY3ODkwI"  # of the token that jwt.io shows, which half of all documentation quotes
_LEAST_RANDOMNESS_BITS = 8.0
_PEM_LINE = re.compile(
    r"(?<!\\)[A-Za-z0-9+/=]{16,}|(?<!\\)[A-Za-z0-9+/][A-Za-z0-9+/=]{5,14}(?=(?:\\[nr]|[\s\"'+,;])*-----END)"
)
_REST_OF_TOKEN = re.compile(rb"[A-Za-z0-9+/=_.-]*")

# The two offsets of a keyword, and the keyword in small letters.
Keyword = tuple[int, int, bytes]


@dataclass(frozen=True)
class ServiceRule:
    """A rule for one kind of key; its expression is compiled when a text first holds one of its keywords."""

    name: str
    pattern: str
    keywords: tuple[str, ...]
    least_entropy_bits: float
    must_be_random: bool
    group: int | None

    @cached_property
    def expression(self) -> Any:
        """The compiled expression, for bytes."""
        return compile_linear(self.pattern)

    def search(self, data: bytes, start: int, end: int) -> "Try":
        """Look for the secrets of this rule between two offsets."""
        found: list[Finding] = []
        seen = end + 1  # an expression looks at the character behind the end
        for match in self.expression.finditer(data, start, end):
            groups = [self.group] if self.group else range(1, self.expression.groups + 1)
            group = next((number for number in groups if match.span(number)[0] >= 0), 0)
            first, last = match.span(group)
            if last == end and (rest := _REST_OF_TOKEN.match(data, end)):
                last = rest.end()
                seen = max(seen, last + 1)
            if self._is_secret(data[first:last].decode("latin-1")):
                found += _pem_lines(data, first, last) if self.name == _PEM else [Finding(first, last, self.name)]
        return Try(seen - start, tuple(finding.moved(-start) for finding in found))

    def _is_secret(self, value: str) -> bool:
        if _JWT_IO_PAYLOAD in value or (self.name != _PEM and is_placeholder(value)):
            return False
        if self.must_be_random and randomness_bits(value) < _LEAST_RANDOMNESS_BITS:
            return False
        return entropy_bits(value) >= self.least_entropy_bits


@dataclass(frozen=True)
class Try:
    """The secrets that one rule finds by reading the text from one offset up to `seen`. All is counted from there."""

    seen: int
    findings: tuple[Finding, ...]


def find_keywords(data: bytes, start: int, end: int) -> list[Keyword]:
    """Return the keywords of all rules between two offsets. None of them reaches across a line's end."""
    return [(*match.span(), match.group().lower()) for match in _keywords().expression.finditer(data, start, end)]


def plan_tries(keywords: Iterable[Keyword], length: int) -> Iterator[tuple[ServiceRule, int, int]]:
    """Yield the rules to try in a text of this length, each with the two offsets between which to try it."""
    tried_until: dict[str, int] = {}
    for keyword_start, keyword_end, keyword in keywords:
        for rule in _keywords().rules[keyword]:
            until = tried_until.get(rule.name, 0)
            if keyword_end + _LEAST_AFTER <= min(until, length) or until >= length:
                continue
            end = min(keyword_end + (_PEM_AFTER if rule.name == _PEM else _AFTER), length)
            tried_until[rule.name] = end
            yield rule, max(keyword_start - _BEFORE, 0), end


def _pem_lines(data: bytes, start: int, end: int) -> Iterator[Finding]:
    """Yield the lines of a key without what stands around them, such as quotes and the marks of begin and end."""
    for line in _PEM_LINE.finditer(data[start:end].decode("latin-1")):
        yield Finding(start + line.start(), start + line.end(), _PEM)


class _Keywords:
    """The keywords of all rules in a single expression, and the rules of each."""

    def __init__(self) -> None:
        tables = [tomllib.loads(file.read_text(encoding="utf-8")) for file in _FILES]
        rules = [_rule(entry) for table in tables for entry in table["rules"]]
        words = sorted({word for rule in rules for word in rule.keywords}, key=len, reverse=True)
        pattern = "(?i)" + "|".join(re.escape(word) for word in words)
        self.expression = compile_linear(pattern)
        # The expression finds the longest keyword at a place: the rules of those within it are tried with its own.
        self.rules = {
            word.encode(): [rule for rule in rules if any(keyword in word for keyword in rule.keywords)]
            for word in words
        }


@cache
def _keywords() -> _Keywords:
    return _Keywords()


def _rule(entry: dict[str, Any]) -> ServiceRule:
    entropy, random = entry.get("entropy", 0.0), entry.get("random", False)
    return ServiceRule(entry["id"], entry["regex"], tuple(entry["keywords"]), entropy, random, entry.get("group"))
