"""Cuts a server's output where the engine inside the process would stop."""

import re

from inference.api import FinishReason
from inference.remote.spelling import CONTROL, CONTROL_BEGUN, LONE_SURROGATE


class Output:
    """The output of a request. `fills` is False for a chat, where a control token that is spelled out is only text."""

    def __init__(self, max_lines: int | None, *, fills: bool) -> None:
        self._max_lines = max_lines
        self._fills = fills
        self._newlines = 0
        self._held = ""

    def push(self, piece: str) -> tuple[str, FinishReason | None]:
        """Return the text to hand out, and the reason when the output ends there. No piece is pushed after the end."""
        text = self._held + LONE_SURROGATE.sub("\ufffd", piece)  # half a pair in the server's JSON
        self._held = ""
        reason: FinishReason | None = None
        if self._fills:
            if control := CONTROL.search(text):
                text = text[: control.start()]
                reason = "fim" if "fim" in control[0] else "eos"
            elif begun := CONTROL_BEGUN.search(text):
                text, self._held = text[: begun.start()], begun[0]
        end = self._end_of_lines(text)
        return (text, reason) if end is None else (text[:end], "lines")

    def finish(self) -> str:
        """Return the text that was held back because it might have become a control token."""
        return self._held

    def _end_of_lines(self, text: str) -> int | None:
        """Find the newline that would begin one line too many."""
        if self._max_lines is None:
            return None
        for newline in re.finditer("\n", text):
            self._newlines += 1
            if self._newlines >= self._max_lines:
                return newline.start()
        return None
