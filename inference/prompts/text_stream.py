"""Tokens to text while they are produced."""

import codecs
from array import array

from inference.prompts.tokenizer import Tokenizer


class TextStream:
    """Decodes one sequence's output; never hands out a part of a character, nor what the output has to begin with."""

    def __init__(self, tokenizer: Tokenizer, begins_with: str = "") -> None:
        self._tokenizer = tokenizer
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._awaited = begins_with.encode()

    @property
    def is_healing(self) -> bool:
        """Whether the output has not yet written what it has to begin with."""
        return bool(self._awaited)

    def allowed_tokens(self) -> "array[int]":
        """While it is healing: the only tokens that may come next."""
        return self._tokenizer.spellings.allowed(self._awaited)

    def is_awaited(self, token: int) -> bool:
        """Whether a token would write nothing but what the output has to begin with."""
        return len(self._tokenizer.token_bytes(token)) <= len(self._awaited)

    def push(self, token: int) -> str:
        """The text that `token` completes; "" while a character is incomplete."""
        written, awaited = self._tokenizer.token_bytes(token), self._awaited
        self._awaited = awaited[len(written) :]
        return self._decoder.decode(written[len(awaited) :])

    def finish(self) -> str:
        """What is left: U+FFFD when the output ended within a character."""
        return self._decoder.decode(b"", final=True)
