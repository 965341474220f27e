"""Token healing: an unfinished word is taken back from the prompt, and the output has to begin with it.

A prompt that ends within a word ends in tokens that no text has there: `isf` is `is` and `f`, and `isfile` is neither.
So the prompt ends before the word, and of the tokens that come next only those are allowed that spell it.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

MOST_CHARACTERS = 32  # each token of a longer one would be a step


class Spellings:
    """A vocabulary in the order of its bytes. An id without text is not in it."""

    def __init__(self, token_bytes: Sequence[bytes]) -> None:
        ids = sorted((token for token, text in enumerate(token_bytes) if text), key=token_bytes.__getitem__)
        self._ids = array("q", ids)
        self._texts = [token_bytes[token] for token in ids]
        self._longest = max(map(len, self._texts), default=0)

    def allowed(self, rest: bytes) -> "array[int]":
        """The ids of what begins with `rest`, and of what `rest` begins with.

        There is one wherever `can_spell` holds: a single byte is such a beginning.
        """
        found = self._begun_with(rest)
        for length in range(1, min(len(rest), self._longest + 1)):
            found += self._exactly(rest[:length])
        return found

    def can_spell(self, text: bytes) -> bool:
        """Whether each byte of it is a token."""
        return all(self._exactly(text[place : place + 1]) for place in range(len(text)))

    def goes_on(self, text: bytes) -> bool:
        """Whether a longer token begins with it."""
        return len(self._begun_with(text)) > len(self._exactly(text))

    def _begun_with(self, text: bytes) -> "array[int]":
        size = len(text)
        first = bisect_left(self._texts, text)
        return self._ids[first : bisect_right(self._texts, text, first, key=lambda longer: longer[:size])]

    def _exactly(self, text: bytes) -> "array[int]":
        first = bisect_left(self._texts, text)
        return self._ids[first : bisect_right(self._texts, text, first)]


def begun_word(line: str, word: str, spellings: Spellings) -> str:
    """Return the end of `line` that the prompt leaves out, "" for nothing.

    `word` is the last of the words into which the model's tokenizer cuts the line, whatever those are: no token reaches
    across two of them. Of several blanks the begun word is the last one, which belongs to the token of the next word.
    """
    begun = word[-1:] if word.isspace() else word
    has_blank_inside = any(character.isspace() for character in begun[1:])
    # Blanks that the word does not take with it are other tokens at the end of a text.
    stands_apart = line[: len(line) - len(begun)][-1:].isspace() and not begun[:1].isspace()
    if not begun or len(begun) > MOST_CHARACTERS or has_blank_inside or stands_apart or begun == "\r":
        return ""
    spelled = begun.encode()
    is_known = spellings.can_spell(spelled)
    # A digit, say: where a character can only be itself there is nothing to heal.
    is_worth_it = len(begun) > 1 or spellings.goes_on(spelled)
    return begun if is_known and is_worth_it else ""
