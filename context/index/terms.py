"""The words of code: identifiers and their parts."""

import re
from collections.abc import Iterable, Set
from functools import lru_cache

_IDENTIFIER = re.compile(r"[^\W\d]\w{2,63}")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\dA-Za-z_]+")
# Words that say nothing about what code is about, in any of the languages.
_COMMON = frozenset(
    """
    abstract and any are args array as assert async await bool boolean break byte case catch char
    class const continue def default del delete do double elif else end enum except export extends
    extern false final finally float fmt fn for foreach from func function get global goto has if
    impl implements import in include inline instanceof int int32 int64 interface is isinstance
    kwargs lambda len let list long match mod module mut namespace new nil none nonlocal not null
    num object operator or override package pass print private protected pub public raise range ref
    register return self set short signed sizeof static str string struct super switch template
    test the this throw throws to trait true try type typedef typename typeof undefined union
    unsigned use using val value var virtual void volatile when where while with yield
    """.split()  # noqa: SIM905 a list of these is a page long
)


def identifiers(text: str) -> set[str]:
    """Return the identifiers of three letters or more, without keywords."""
    return {name for name in set(_IDENTIFIER.findall(text)) if name.lower() not in _COMMON}


_LONGEST_CACHED_NAME = 100


def search_terms(names: Iterable[str]) -> set[str]:
    """Return the words that a chunk is found by: its names and their parts, in lower case."""
    terms: set[str] = set()
    for name in names:
        terms.update(_terms_of(name) if len(name) <= _LONGEST_CACHED_NAME else _terms_of.__wrapped__(name))
    return terms


def overlap(some: Set[str], others: Set[str]) -> float:
    """Return the Jaccard index: the share of all the words that both have."""
    if not some or not others:
        return 0.0
    shared = len(some & others)
    return shared / (len(some) + len(others) - shared)


@lru_cache(maxsize=100_000)
def _terms_of(name: str) -> tuple[str, ...]:
    parts = {part.lower() for part in _PART.findall(name) if len(part) > 2}
    return tuple({name.lower(), *(part for part in parts if part not in _COMMON)})
