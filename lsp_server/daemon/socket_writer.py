"""The writer that pygls gets for a relay's socket."""

import asyncio

# A client that does not read must not fill the memory of the daemon.
_MAX_BUFFER_BYTES = 64 * 1024 * 1024


class SocketWriter:
    """Writes without blocking; after the end of the connection it drops the data."""

    def __init__(self, stream: asyncio.StreamWriter) -> None:
        self._transport = stream.transport

    def write(self, data: bytes) -> None:
        """Send the data after all earlier data. Cuts off a client that does not read."""
        if self._transport.is_closing():
            return
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > _MAX_BUFFER_BYTES:
            self._transport.abort()

    def close(self) -> None:
        """Close the connection when all data is sent."""
        self._transport.close()
