"""The likeness of a name to the letters that a user has typed of it."""

import re

_WORD_STARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

_EXACT, _EXACT_OTHER_CASE = 1.0, 0.97
_BEGINS, _WORD_BEGINS, _HOLDS, _INITIALS, _IN_ORDER = 0.88, 0.72, 0.55, 0.5, 0.3
_SAME_CASE = 0.02
_MOST_SPREAD = 2  # the letters typed stand within so many times their number
_BY_LENGTH = 0.08  # of two names that are equally like, the shorter one is likelier


def likeness(typed: str, name: str) -> float:
    """Return how likely `typed` is to mean the name: 1 for the name itself, 0 when its letters are not all there."""
    if typed == name:
        return _EXACT
    letters, lower = typed.lower(), name.lower()
    if letters == lower:
        return _EXACT_OTHER_CASE
    by_length = _BY_LENGTH * len(letters) / max(len(lower), 1)
    at = lower.find(letters)
    if at == 0:
        return _BEGINS + by_length + (_SAME_CASE if name.startswith(typed) else 0.0)
    starts = [match.start() for match in _WORD_STARTS.finditer(name)]
    if any(lower.startswith(letters, start) for start in starts):
        return _WORD_BEGINS + by_length
    if at > 0:
        return _HOLDS + by_length
    if "".join(lower[start] for start in starts).startswith(letters):
        return _INITIALS + by_length
    return _IN_ORDER + by_length if any(_spans(letters, lower[start:]) for start in starts) else 0.0


def like_pattern(typed: str) -> str:
    """Return the pattern of SQL's LIKE (ESCAPE '\\') for names that hold the letters in this order."""
    return "%" + "".join(f"{_escaped(letter)}%" for letter in typed)


def begins_pattern(typed: str) -> str:
    """Return the pattern of SQL's LIKE (ESCAPE '\\') for names that begin so."""
    return _escaped(typed) + "%"


def _escaped(text: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", text)


def _spans(letters: str, name: str) -> bool:
    """Return whether the name begins with the first letter and has the others behind it in order, not far apart."""
    if not name.startswith(letters[:1]):
        return False
    at = 0
    for letter in letters:
        at = name.find(letter, at) + 1
        if at == 0:
            return False
    return at <= _MOST_SPREAD * len(letters)
