"""Tokens to text while they are produced."""

import codecs

from inference.tokenizer import Tokenizer


class TextStream:
    """Decodes one sequence's output; never hands out a part of a character."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def push(self, token: int) -> str:
        """The text that `token` completes; "" while a character is incomplete."""
        return self._decoder.decode(self._tokenizer.token_bytes(token))

    def finish(self) -> str:
        """What is left: U+FFFD when the output ended within a character."""
        return self._decoder.decode(b"", final=True)
