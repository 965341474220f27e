"""The stream between an editor and the server: its frames, and its sole use of stdin and stdout."""

import asyncio
import os
import re
import sys
import threading
from typing import BinaryIO

from midspan import MidspanError

_CONTENT_LENGTH = re.compile(rb"^content-length:\s*(\d+)\s*$", re.IGNORECASE | re.MULTILINE)
_HEADER_END = b"\r\n\r\n"
# Past these a stream is not LSP, and reading on would only fill the memory.
_MAX_HEADER_BYTES = 8 * 1024
_MAX_BODY_BYTES = 256 * 1024 * 1024


class FramingError(MidspanError):
    """The bytes are not the frames of LSP, so nothing after them can be read either."""


class FrameReader:
    """Cuts a stream of bytes, fed in any pieces, into the bodies of messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._body_bytes: int | None = None  # None while the header is read

    def feed(self, data: bytes) -> list[bytes]:
        """The bodies that `data` completes. Raises FramingError."""
        self._buffer += data
        bodies = []
        while (body := self._next_body()) is not None:
            bodies.append(body)
        return bodies

    def _next_body(self) -> bytes | None:
        if self._body_bytes is None and not self._read_header():
            return None
        assert self._body_bytes is not None
        if len(self._buffer) < self._body_bytes:
            return None
        body = bytes(self._buffer[: self._body_bytes])
        del self._buffer[: self._body_bytes]
        self._body_bytes = None
        return body

    def _read_header(self) -> bool:
        end = self._buffer.find(_HEADER_END, 0, _MAX_HEADER_BYTES)
        if end < 0:
            if len(self._buffer) >= _MAX_HEADER_BYTES:
                raise FramingError("The input is not LSP: a header does not end. Start midspan from an editor.")
            return False
        length = _CONTENT_LENGTH.search(bytes(self._buffer[:end]))
        if length is None:
            raise FramingError("The input is not LSP: a header has no Content-Length.")
        if int(length[1]) > _MAX_BODY_BYTES:
            raise FramingError(f"A message of {int(length[1])} bytes is more than the {_MAX_BODY_BYTES} allowed.")
        del self._buffer[: end + len(_HEADER_END)]
        self._body_bytes = int(length[1])
        return True


def claim_stdout() -> BinaryIO:
    """The real stdout. From here on whoever prints, native libraries too, prints to stderr."""
    sys.stdout.flush()
    stdout = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return stdout


def claim_stdin() -> int:
    """The descriptor of the real stdin. From here on whoever reads, child processes too, reads nothing."""
    stdin = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return stdin


def read_messages(descriptor: int) -> "asyncio.Queue[bytes | None]":
    """The bodies that arrive at the descriptor, in order; None after the last one.

    A thread reads, because an event loop cannot wait for every kind of stdin. It holds no lock of Python's own
    streams, so the process can end while it waits.
    """
    loop = asyncio.get_running_loop()
    messages: asyncio.Queue[bytes | None] = asyncio.Queue()

    def read() -> None:
        frames = FrameReader()
        try:
            while data := os.read(descriptor, 1 << 16):
                for body in frames.feed(data):
                    loop.call_soon_threadsafe(messages.put_nowait, body)
        except (FramingError, OSError) as error:
            print(f"midspan: {error}", file=sys.stderr)
        loop.call_soon_threadsafe(messages.put_nowait, None)

    def read_until_closed() -> None:
        try:
            read()
        except RuntimeError:  # the loop has closed: the server is about to end
            return

    threading.Thread(target=read_until_closed, name="midspan-stdin", daemon=True).start()
    return messages
