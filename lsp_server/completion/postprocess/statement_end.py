"""Tell by the text behind a closer whether the statement of the closed block may go on there."""

import re

_CLOSERS = re.compile(r"[)\]};,]*")
_BEHIND = re.compile(r"(?:[)\]};\s]|//[^\n]*|/\*[\s\S]*?(?:\*/|\Z))*")
# Code behind a block that begins so may belong to the statement of the block.
_GOES_ON = re.compile(r"[.?:|&+\-*/=<>,({\[]|(?:else|catch|finally|while|and|or|as|is|in|instanceof|satisfies|where)\b")


def behind_closers(text: str, start: int) -> int:
    """Return the offset behind the closers and separators that stand at `start`."""
    match = _CLOSERS.match(text, start)
    return match.end() if match else start


def goes_on_behind(text: str, start: int) -> bool | None:
    """Return whether the statement may go on behind the closer that ends at `start`; None where only closers follow."""
    match = _BEHIND.match(text, start)
    end = match.end() if match else start
    if end == len(text):
        return None
    return "\n" not in text[start:end] or _GOES_ON.match(text, end) is not None
