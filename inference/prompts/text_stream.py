"""Decodes tokens to text while they are produced."""

import codecs

from inference.prompts.healing import Allowed
from inference.prompts.tokenizer import Tokenizer


class TextStream:
    """The output of one sequence as text, in whole characters and without the begun word (`begins_with`)."""

    def __init__(self, tokenizer: Tokenizer, begins_with: str = "") -> None:
        self._tokenizer = tokenizer
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._awaited = begins_with.encode()

    @property
    def is_healing(self) -> bool:
        """True until the output has written the begun word."""
        return bool(self._awaited)

    def allowed_tokens(self) -> Allowed:
        """Return the only tokens that may come next, while the stream is healing."""
        return self._tokenizer.spellings.allowed(self._awaited)

    def may_come(self, token: int) -> bool:
        """Return whether `token` is one of `allowed_tokens`, without making their list; behind the word any may be."""
        written = self._tokenizer.token_bytes(token)
        return self.ends_word(token) or (bool(written) and self._awaited.startswith(written))

    def ends_word(self, token: int) -> bool:
        """Return whether `token` writes all that is left of the begun word."""
        return self._tokenizer.token_bytes(token).startswith(self._awaited)

    def line_ends(self) -> tuple[int, ...]:
        """Return the tokens that end a line: those that begin with its end, and those that end the output."""
        return (*self._tokenizer.spellings.begun_with(b"\n"), *self._tokenizer.sentinels.ends)

    def is_awaited(self, token: int) -> bool:
        """Return whether a token would write only the begun word or a part of it."""
        return len(self._tokenizer.token_bytes(token)) <= len(self._awaited)

    def push(self, token: int) -> str:
        """Return the text that `token` completes; "" while a character is incomplete."""
        written, awaited = self._tokenizer.token_bytes(token), self._awaited
        self._awaited = awaited[len(written) :]
        return self._decoder.decode(written[len(awaited) :])

    def finish(self) -> str:
        """Return the rest: U+FFFD when the output ended within a character."""
        return self._decoder.decode(b"", final=True)
