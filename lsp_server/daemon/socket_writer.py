"""The daemon's side of a relay's socket, as pygls writes to it."""

import asyncio

# A client that reads nothing must not fill the memory that all share.
_MAX_WAITING_BYTES = 64 * 1024 * 1024


class SocketWriter:
    """Never waits; after the end of the connection it drops what it is given."""

    def __init__(self, stream: asyncio.StreamWriter) -> None:
        self._transport = stream.transport

    def write(self, data: bytes) -> None:
        """Sends the data once what was written before is sent. Cuts off a client that does not read."""
        if self._transport.is_closing():
            return
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > _MAX_WAITING_BYTES:
            self._transport.abort()

    def close(self) -> None:
        """Closes the connection when all is sent."""
        self._transport.close()
