"""The daemon: it serves many editors on one socket, with one set of engines, until it has been idle for a while."""

import asyncio
import logging
import os
import socket
import time
from pathlib import Path
from typing import Any

from context.index.indexer_process import IndexerProcess
from lsp_server.daemon.completion_at_place import answer_completion
from lsp_server.daemon.daemon_reports import DaemonReports
from lsp_server.daemon.daemon_session import DaemonSession, SharedServices
from lsp_server.daemon.end_signals import call_at_signals
from lsp_server.relay import handshake
from lsp_server.relay.daemon_log import daemon_log
from lsp_server.relay.door import check_token, has_place
from lsp_server.relay.runtime_folder import SOCKET, check_peer
from lsp_server.server.engines import Engines, IdleTimes, StartEngine
from lsp_server.server.shared_workspaces import SharedWorkspaces
from lsp_server.settings.sources import check_flags
from lsp_server.telemetry.journal import Journal
from lsp_server.telemetry.log_setup import set_up_logging
from lsp_server.telemetry.session_log import DAEMON_LEVEL
from lsp_server.telemetry.usage import Usage
from lsp_server.telemetry.usage_file import usage_file
from midspan import MidspanError, SettingsError, __version__

_log = logging.getLogger(__name__)

_HANDSHAKE_TIMEOUT_S = 30.0
_MOST_UNREACHABLE_S = 10.0
_STOP_TIMEOUT_S = 1.0  # a relay that does not read must not keep the daemon running


class Daemon:
    """Accepts connections at `listener` until it retires, and serves its sessions until the last one ends.

    `token` is what a client has to send first ("" at a Unix socket), and `lock` the descriptor that holds this daemon's
    place in the runtime folder. Everything but `run` is called on the event loop.
    """

    def __init__(
        self,
        folder: Path,
        listener: socket.socket,
        token: str,
        lock: int,
        start_engine: StartEngine,
        times: IdleTimes,
    ) -> None:
        self._folder = folder
        self._listener = listener
        self._token = token
        self._lock = lock
        self._times = times
        self._indexer = IndexerProcess()
        workspaces = SharedWorkspaces(self._indexer)
        self._services = SharedServices(Engines(start_engine), workspaces, Journal(Usage(usage_file())))
        self._sessions: list[DaemonSession] = []
        self._reports = DaemonReports(self._services, self._sessions, began_at=time.monotonic())
        self._connection_count = 0
        self._acceptor: asyncio.Server | None = None
        self._is_retired = False
        self._done = asyncio.Event()
        self._retirement: asyncio.TimerHandle | None = None

    def run(self) -> None:
        """Return when the daemon has retired and its last session has ended."""
        set_up_logging(DAEMON_LEVEL, daemon_log())
        for handler in logging.getLogger().handlers:  # a session with a more detailed log must not fill the daemon's
            handler.setLevel(DAEMON_LEVEL)
        asyncio.run(self._run())

    async def _run(self) -> None:
        call_at_signals(self._stop)
        self._acceptor = await asyncio.start_server(self._accept, sock=self._listener)
        _log.info("Midspan %s serves as process %d", __version__, os.getpid())
        self._retire_when_idle()
        self._retire_when_unreachable()
        unloading = asyncio.ensure_future(self._services.engines.keep_unloading(self._times.unload_after_s))
        await self._done.wait()
        unloading.cancel()
        self._reports.close()
        self._services.journal.close()
        self._indexer.close()
        _log.info("The daemon ends")

    async def _accept(self, reader: asyncio.StreamReader, stream: asyncio.StreamWriter) -> None:
        self._connection_count += 1
        if self._retirement is not None:
            self._retirement.cancel()
        try:
            if self._token:
                check_token(await asyncio.wait_for(reader.readline(), _HANDSHAKE_TIMEOUT_S), self._token)
            else:
                check_peer(stream.get_extra_info("socket"))
            line = await asyncio.wait_for(reader.readline(), _HANDSHAKE_TIMEOUT_S)
            await self._answer(handshake.decode(line), reader, stream)
        except (MidspanError, OSError, ValueError, TimeoutError) as error:  # ValueError: the line is too long
            _log.warning("A connection is closed: %s", error)
        finally:
            stream.close()
            self._connection_count -= 1
            self._retire_when_idle()

    async def _answer(
        self, request: dict[str, Any], reader: asyncio.StreamReader, stream: asyncio.StreamWriter
    ) -> None:
        """Answer the client's line of the handshake, and serve its session if it wants one."""
        match request.get("wants"):
            case "serve":
                if session := self._open_session(request, stream):
                    await self._serve(session, reader)
            case "status" | "stop" | "trace" | "dashboard" as wants:
                stream.write(handshake.encode(await self._reports.answer(request)))
                await stream.drain()
                if wants == "stop":
                    self._stop()
            case "complete":
                stream.write(handshake.encode(await answer_completion(request, self._services)))
                await stream.drain()
            case wants:
                raise handshake.HandshakeError(f"it wants {wants!r}, which this version does not know")

    def _open_session(self, request: dict[str, Any], stream: asyncio.StreamWriter) -> DaemonSession | None:
        """Return the session that the client's line asks for; None when the daemon has answered that it serves none."""
        version = request.get("version")
        if not isinstance(version, str):
            raise handshake.HandshakeError("it does not say its version")
        if self._is_retired or (version != __version__ and not request.get("resumes")):
            _log.info("A daemon of version %s takes the place of this one, %s", version, __version__)
            self._retire()
            stream.write(handshake.encode({"retired": True}))
            return None
        flags, folder = request.get("settings"), Path(str(request.get("folder") or "/"))
        try:
            check_flags(flags, folder)
        except SettingsError as error:
            stream.write(handshake.encode({"error": str(error)}))
            return None
        stream.write(handshake.encode({"pid": os.getpid(), "version": __version__}))
        return DaemonSession(self._services, flags, folder, handshake.keys_in(request), stream)

    async def _serve(self, session: DaemonSession, reader: asyncio.StreamReader) -> None:
        self._sessions.append(session)
        try:
            await session.serve(reader)
        finally:
            self._sessions.remove(session)

    def _retire_when_idle(self) -> None:
        """If no client is connected: end at once if the daemon has retired, else retire after the idle time."""
        if self._connection_count:
            return
        if self._is_retired:
            self._done.set()
        else:
            loop = asyncio.get_running_loop()
            self._retirement = loop.call_later(self._times.leave_after_s, self._retire)

    def _retire_when_unreachable(self) -> None:
        """Retire when no client reaches this daemon any more: another one may take the place, or has it.

        The folder of a user who logs out is removed, for instance, and the next login makes another.
        """
        if self._is_retired:
            return
        if not has_place(self._folder, self._lock):
            _log.warning("The daemon has lost its place in %s", self._folder)
            self._retire()
            return
        pause_s = min(self._times.leave_after_s, _MOST_UNREACHABLE_S)
        asyncio.get_running_loop().call_later(pause_s, self._retire_when_unreachable)

    def _retire(self) -> None:
        """Give up the place: new clients connect to another daemon, and this one ends with its last session."""
        if not self._is_retired:
            self._is_retired = True
            if has_place(self._folder, self._lock):  # else the door may be another daemon's
                (self._folder / SOCKET).unlink(missing_ok=True)
            if self._acceptor is not None:
                self._acceptor.close()
            os.close(self._lock)
        self._retire_when_idle()

    def _stop(self) -> None:
        """Retire, and end the sessions. Their relays start the next daemon when their editors send a message."""
        self._retire()
        for session in self._sessions:
            session.stop()
        asyncio.get_running_loop().call_later(_STOP_TIMEOUT_S, self._done.set)
