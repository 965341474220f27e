"""Token healing: the prompt leaves out an unfinished word, and the output has to begin with that word.

A prompt that ends within a word ends in tokens that the finished text does not have: `isf` is `is` and `f`, and
`isfile` has neither. So the prompt ends before the word, and only tokens that spell the word are allowed next.
"""

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

MOST_CHARACTERS = 32  # a longer word would take too many steps
# A token that writes only a part of the word counts so much of its probability. The model does not know that the rest
# has to follow, and seldom goes on with it: a lone blank or a shorter word is likely for what else may come.
PART_SHARE = 0.1
# One behind which the tokenizer never cuts such a word, as a blank before a letter: in no text does the rest follow it.
UNUSUAL_PART_SHARE = 1e-4
_TRIED_WORDS = 4  # a few tell whether the tokenizer cuts there


def spelling_order(token_bytes: Sequence[bytes]) -> "array[int]":
    """Sort the ids that have text by their bytes."""
    return array("q", sorted((token for token, text in enumerate(token_bytes) if text), key=token_bytes.__getitem__))


@dataclass(frozen=True)
class Allowed:
    """The only tokens that may come next where a word is begun.

    `log_shares` has for each token the log of how much of its probability counts.
    """

    tokens: "array[int]"
    log_shares: "array[float]"


class Spellings:
    """A vocabulary sorted by bytes, without the ids that have no text."""

    def __init__(
        self, token_bytes: Sequence[bytes], order: "array[int]", encode: Callable[[str], Sequence[int]]
    ) -> None:
        """`order` is the `spelling_order` of the vocabulary, and `encode` turns text into its ids."""
        self._ids = order
        self._encode = encode
        self._text = token_bytes.__getitem__
        self._longest = max(map(len, token_bytes), default=0)

    def allowed(self, rest: bytes) -> Allowed:
        """Return the ids of tokens that begin with `rest`, and of tokens that `rest` begins with.

        There is at least one where `can_spell` holds: the token of the first byte.
        """
        found = self.begun_with(rest)
        log_shares = array("f", [0.0]) * len(found)
        for length in range(1, min(len(rest), self._longest + 1)):
            for token in self._exactly(rest[:length]):
                found.append(token)
                log_shares.append(math.log(self._share(token, rest[length:])))
        return Allowed(found, log_shares)

    def _share(self, token: int, rest: bytes) -> float:
        """Return how much of its probability a token counts behind which `rest` has to come."""
        words = self.begun_with(rest)
        tried = words[:: max(1, len(words) // _TRIED_WORDS)][:_TRIED_WORDS]
        texts = ((self._text(token) + self._text(word)).decode(errors="replace") for word in tried)
        is_usual = not words or any(self._encode(text)[0] == token for text in texts)
        return PART_SHARE if is_usual else UNUSUAL_PART_SHARE

    def can_spell(self, text: bytes) -> bool:
        """Return whether each byte of the text is a token."""
        return all(self._exactly(text[place : place + 1]) for place in range(len(text)))

    def goes_on(self, text: bytes) -> bool:
        """Return whether a longer token begins with the text."""
        return len(self.begun_with(text)) > len(self._exactly(text))

    def begun_with(self, text: bytes) -> "array[int]":
        """Return the ids of tokens that begin with `text`."""
        size = len(text)
        first = bisect_left(self._ids, text, key=self._text)
        return self._ids[first : bisect_right(self._ids, text, first, key=lambda token: self._text(token)[:size])]

    def _exactly(self, text: bytes) -> "array[int]":
        first = bisect_left(self._ids, text, key=self._text)
        return self._ids[first : bisect_right(self._ids, text, first, key=self._text)]


def begun_word(line: str, word: str, spellings: Spellings) -> str:
    """Return the end of `line` that the prompt leaves out, "" for nothing.

    `word` is the last of the words into which the model's tokenizer cuts the line, whatever those are: no token reaches
    across two of them. Of several blanks the begun word is the last one, which belongs to the token of the next word.
    """
    begun = word[-1:] if word.isspace() else word
    has_blank_inside = any(character.isspace() for character in begun[1:])
    # Blanks before the word that are no part of its token would be other tokens at the end of a prompt.
    stands_apart = line[: len(line) - len(begun)][-1:].isspace() and not begun[:1].isspace()
    if not begun or len(begun) > MOST_CHARACTERS or has_blank_inside or stands_apart or begun == "\r":
        return ""
    spelled = begun.encode()
    is_known = spellings.can_spell(spelled)
    # A character that begins no longer token, such as a digit, needs no healing.
    is_worth_it = len(begun) > 1 or spellings.goes_on(spelled)
    return begun if is_known and is_worth_it else ""
