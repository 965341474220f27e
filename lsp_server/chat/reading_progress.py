"""Says in words how long it takes until a model has read its prompt."""

import asyncio
import math
import time
from collections.abc import Callable

from lsprotocol import types

from lsp_server.rpc.endpoint import MidspanProtocol

Say = Callable[[str], None]

_SAY_EVERY_S = 0.5
_FEWEST_TOKENS = 64  # fewer are read before anybody has read about it


class ReadingProgress:
    """Follows how a prompt is read. Before some of it is read, the speed is that of the prompts before."""

    def __init__(self, say: Say, tokens_a_second: float | None) -> None:
        self._say = say
        self._tokens_a_second = tokens_a_second
        self._began: tuple[int, float] | None = None  # the tokens that were left, and when
        self._said_at = -math.inf

    def note(self, left_tokens: int) -> None:
        """Note how many tokens are left to be read, and say so from time to time."""
        now = time.monotonic()
        if self._began is None:
            self._began = left_tokens, now
        most, began_at = self._began
        if left_tokens < most and now > began_at:
            self._tokens_a_second = (most - left_tokens) / (now - began_at)
        if left_tokens >= _FEWEST_TOKENS and now >= self._said_at + _SAY_EVERY_S:
            self._said_at = now
            self._say(reading_in_words(left_tokens, self._tokens_a_second))


class AnswerProgress:
    """The progress of an answer up to its first word, for a client that has given a token. On the event loop alone."""

    def __init__(self, protocol: MidspanProtocol, token: str | int | None) -> None:
        self._progress = protocol.progress
        self._token = token
        self._loop = asyncio.get_running_loop()
        if token is not None:
            message = "looking for the code that the question is about"
            self._progress.begin(token, types.WorkDoneProgressBegin("Midspan", message=message))

    def say(self, message: str) -> None:
        """Tell the client, unless the progress has ended."""
        if self._token is not None:
            self._progress.report(self._token, types.WorkDoneProgressReport(message=message))

    def on_read(self, tokens_a_second: float | None) -> Callable[[int], None]:
        """Return what an engine tells, on its own thread, how many tokens are left to be read."""
        reading = ReadingProgress(self.say, tokens_a_second)

        def note(left_tokens: int) -> None:
            if not self._loop.is_closed():
                self._loop.call_soon_threadsafe(reading.note, left_tokens)

        return note

    def end(self) -> None:
        """End the progress: the answer begins, or there is none. May be called twice."""
        if self._token is not None:
            self._progress.tokens.pop(self._token, None)  # or pygls keeps it for ever
            self._progress.end(self._token, types.WorkDoneProgressEnd())
            self._token = None


def reading_in_words(tokens: int, tokens_a_second: float | None) -> str:
    """Return how much is to be read and how long it takes: "reading 2,015 tokens, 12 s"."""
    seconds = f", {math.ceil(tokens / tokens_a_second)} s" if tokens_a_second else ""
    return f"reading {tokens:,} tokens{seconds}"
