"""Token healing: the prompt leaves out an unfinished word, and the output has to begin with that word.

A prompt that ends within a word ends in tokens that the finished text does not have: `isf` is `is` and `f`, and
`isfile` has neither. So the prompt ends before the word, and only tokens that spell the word are allowed next.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

MOST_CHARACTERS = 32  # a longer word would take too many steps


def spelling_order(token_bytes: Sequence[bytes]) -> "array[int]":
    """Sort the ids that have text by their bytes."""
    return array("q", sorted((token for token, text in enumerate(token_bytes) if text), key=token_bytes.__getitem__))


class Spellings:
    """A vocabulary sorted by bytes, without the ids that have no text."""

    def __init__(self, token_bytes: Sequence[bytes], order: "array[int]") -> None:
        """`order` is the `spelling_order` of the vocabulary."""
        self._ids = order
        self._text = token_bytes.__getitem__
        self._longest = max(map(len, token_bytes), default=0)

    def allowed(self, rest: bytes) -> "array[int]":
        """Return the ids of tokens that begin with `rest`, and of tokens that `rest` begins with.

        There is at least one where `can_spell` holds: the token of the first byte.
        """
        found = self._begun_with(rest)
        for length in range(1, min(len(rest), self._longest + 1)):
            found += self._exactly(rest[:length])
        return found

    def can_spell(self, text: bytes) -> bool:
        """Return whether each byte of the text is a token."""
        return all(self._exactly(text[place : place + 1]) for place in range(len(text)))

    def goes_on(self, text: bytes) -> bool:
        """Return whether a longer token begins with the text."""
        return len(self._begun_with(text)) > len(self._exactly(text))

    def _begun_with(self, text: bytes) -> "array[int]":
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
