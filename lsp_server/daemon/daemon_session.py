"""The session of one editor in the daemon, from after the handshake to its end."""

import asyncio
import json
import logging
from dataclasses import dataclass
from pathlib import Path

from lsp_server.daemon.build_server import build_server
from lsp_server.daemon.socket_writer import SocketWriter
from lsp_server.relay import handshake
from lsp_server.rpc.frames import FrameReader, FramingError, frame
from lsp_server.server.engines import Engines
from lsp_server.server.shared_workspaces import SharedWorkspaces
from lsp_server.telemetry.journal import Journal
from lsp_server.telemetry.session_log import session_log

_log = logging.getLogger(__name__)

_CHUNK_BYTES = 1 << 16


@dataclass(frozen=True)
class SharedServices:
    """Everything that the sessions of one daemon share."""

    engines: Engines
    workspaces: SharedWorkspaces
    journal: Journal


class DaemonSession:
    """Owns the server of one connection. It lives on the event loop."""

    def __init__(
        self,
        services: SharedServices,
        flags: object,
        folder: Path,
        keys: dict[str, str],
        stream: asyncio.StreamWriter,
    ) -> None:
        self._writer = SocketWriter(stream)
        self.server = build_server(flags, services.engines, services.workspaces, folder, services.journal)
        self.server.session.keys = keys
        self.server.protocol.set_writer(self._writer)

    async def serve(self, reader: asyncio.StreamReader) -> None:
        """Handle messages until `exit` or the end of the connection."""
        with session_log(lambda line: self._notify(handshake.LOG_METHOD, line=line)):
            try:
                await self._handle_messages(reader)
            except FramingError as error:
                _log.warning("%s", error)
            finally:
                self.server.session.close()
                self.server.end()

    def stop(self) -> None:
        """Tell the relay that the daemon stops, and close the connection when everything is sent."""
        self._notify(handshake.STOPPED_METHOD)
        self._writer.close()

    async def _handle_messages(self, reader: asyncio.StreamReader) -> None:
        protocol = self.server.protocol
        frames = FrameReader()
        while protocol.exit_code is None and (data := await reader.read(_CHUNK_BYTES)):
            for body in frames.feed(data):
                protocol.handle_body(body)
                # A request takes its snapshot now, before the next message changes the document, and the other
                # sessions take their turn.
                await asyncio.sleep(0)

    def _notify(self, method: str, **params: str) -> None:
        """Send a notification to the relay, which does not pass it on to the editor."""
        self._writer.write(frame(json.dumps({"jsonrpc": "2.0", "method": method, "params": params}).encode()))
