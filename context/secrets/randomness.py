"""Tells random characters from what people write: words, names, numbers, placeholders."""

import math
import re
from collections import Counter
from functools import cache
from itertools import pairwise
from pathlib import Path

_TABLE = Path(__file__).with_name("letter_pairs.txt")
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0_-./+= *"
_DIGIT, _EDGE, _OTHER = _LETTERS.index("0"), _LETTERS.index(" "), _LETTERS.index("*")
_SIGN_BITS = 6.0  # what a sign costs in names and words
_HEX = re.compile(r"[0-9a-f]+|[0-9A-F]+")
_ONLY_BASE64 = re.compile(r"[A-Za-z0-9_+/=.-]+")

# A person wrote this where a secret is to be put in, or a program puts it in. \x85 stands for an ellipsis.
_PLACEHOLDER = re.compile(
    r"(?i:example|sample|placeholder|change[-_]?(?:me|it|this)|dummy|\bfake|your[-_ ]?|redacted|xxxx|insecure[-_]?test"
    r"|replace[-_]?(?:me|this)|insert[-_ ]|\*{3}|\.\.\.|\x85|not[-_ ]?(?:a|so)[-_ ]?(?:real|secret)"
    r"|(?:my|the|some)[-_ ]secret)"
    r"|<[\w .:/-]*>|\$[{(]|#\{|\{\{|\{[\w.:!]*\}|%\(\w*\)|^.{0,6}%[sdvqrx].{0,6}$|%[sdvqrx]\W.*%[sdvqrx]\b|\[\[|<%"
    r"|^\$\w+$|^%\w+%$|^@[\w.]+@$|\]\(|^\$\$"
)
_MOST_REGULAR = 0.5  # of the characters may go on a row such as "abcd", "4321" or "0000"


def is_placeholder(value: str) -> bool:
    """Return whether the value stands for a secret that is put in later, or is a row of characters."""
    if _PLACEHOLDER.search(value):
        return True
    steps = [ord(b) - ord(a) for a, b in pairwise(value)]
    regular = sum(a == b and abs(a) <= 1 for a, b in pairwise(steps))
    return regular > _MOST_REGULAR * len(value) or len(set(value)) < min(6, len(value))


def entropy_bits(value: str) -> float:
    """Return Shannon's entropy of the value's characters, in bits a character."""
    counts = Counter(value).values()
    return -sum(n / len(value) * math.log2(n / len(value)) for n in counts)


def randomness_bits(value: str) -> float:
    """Return how many bits speak for random characters and against a name or words; negative for words.

    The logarithm of the ratio of two probabilities: of the value as characters that are drawn evenly, and as letters
    that follow each other as in source code.
    """
    table, alphabet_bits = _letter_pairs(), math.log2(_alphabet_size(value))
    bits, before = 0.0, _EDGE
    for character in value:
        letter = _DIGIT if character.isdigit() else table.index.get(character, _OTHER)
        if letter == _OTHER:  # a sign parts words; a letter of another alphabet says nothing
            bits += 0.0 if character.isalpha() else _SIGN_BITS - alphabet_bits
            before = _EDGE
        else:
            bits += table.costs[before][letter] + table.shared.get(letter, 0.0) - alphabet_bits
            before = letter
    return bits


class _LetterPairs:
    """The table of letter_pairs.txt."""

    def __init__(self) -> None:
        rows = [line for line in _TABLE.read_text(encoding="ascii").splitlines() if not line.startswith("# ")]
        self.costs = [[(ord(code) - 48) / 4 for code in row] for row in rows]
        self.index = {letter: number for number, letter in enumerate(_LETTERS)}
        self.shared = {_DIGIT: math.log2(10)}


@cache
def _letter_pairs() -> _LetterPairs:
    return _LetterPairs()


def _alphabet_size(value: str) -> int:
    """Return the size of the smallest usual alphabet that has the value's characters."""
    has_digit = any(character.isdigit() for character in value)
    if has_digit and _HEX.fullmatch(value):
        return 16
    size = 10 * has_digit
    size += 26 * any(character.islower() for character in value)
    size += 26 * any(character.isupper() for character in value)
    if not value.isalnum():
        size += 2 if _ONLY_BASE64.fullmatch(value) else 16
    return max(size, 10)
