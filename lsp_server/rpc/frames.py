"""The frames of LSP: a header with a length, then that many bytes of JSON."""

import re

from midspan import MidspanError

_CONTENT_LENGTH = re.compile(rb"^content-length:[ \t]*(\d{1,18})[ \t\r]*$", re.IGNORECASE | re.MULTILINE)
_HEADER_END = b"\r\n\r\n"
# A stream with a longer header, or a longer body announced, is not LSP.
_MAX_HEADER_BYTES = 8 * 1024
_MAX_LENGTH_BYTES = 4 * 1024**3
# A longer body is skipped: it would only fill the memory, and no document of this size is completed.
MAX_BODY_BYTES = 64 * 1024**2


class FramingError(MidspanError):
    """The bytes are not frames of LSP. The rest of the stream cannot be read either."""


class FrameReader:
    """Cuts a stream of bytes, fed in any pieces, into the bodies of messages.

    An empty body stands for a body that is too long. It is not JSON, so the sender receives an error.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._body_bytes: int | None = None  # None while the header is read
        self._unread_bytes = 0  # the rest of a body that is too long

    def feed(self, data: bytes) -> list[bytes]:
        """Return the bodies that `data` completes. Raises FramingError."""
        if self._unread_bytes:
            skipped = min(self._unread_bytes, len(data))
            self._unread_bytes -= skipped
            data = data[skipped:]
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
            raise FramingError("The input is not LSP: a header has no usable Content-Length.")
        body_bytes = int(length[1])
        if body_bytes > _MAX_LENGTH_BYTES:
            raise FramingError(f"The input is not LSP: a header announces {body_bytes} bytes.")
        del self._buffer[: end + len(_HEADER_END)]
        if body_bytes <= MAX_BODY_BYTES:
            return body_bytes
        here = min(body_bytes, len(self._buffer))
        del self._buffer[:here]
        self._unread_bytes = body_bytes - here
        return 0


def frame(body: bytes) -> bytes:
    """Return the body behind its header."""
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
