"""The frames of LSP: a header with a length, then that many bytes of JSON."""

import re

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
        if self._body_bytes is None:
            self._body_bytes = self._read_header()
        if self._body_bytes is None or len(self._buffer) < self._body_bytes:
            return None
        body = bytes(self._buffer[: self._body_bytes])
        del self._buffer[: self._body_bytes]
        self._body_bytes = None
        return body

    def _read_header(self) -> int | None:
        end = self._buffer.find(_HEADER_END, 0, _MAX_HEADER_BYTES)
        if end < 0:
            if len(self._buffer) >= _MAX_HEADER_BYTES:
                raise FramingError("The input is not LSP: a header does not end. Start midspan from an editor.")
            return None
        length = _CONTENT_LENGTH.search(bytes(self._buffer[:end]))
        if length is None:
            raise FramingError("The input is not LSP: a header has no Content-Length.")
        if int(length[1]) > _MAX_BODY_BYTES:
            raise FramingError(f"A message of {int(length[1])} bytes is more than the {_MAX_BODY_BYTES} allowed.")
        del self._buffer[: end + len(_HEADER_END)]
        return int(length[1])


def frame(body: bytes) -> bytes:
    """The body with its header."""
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
