"""The daemon: sessions for many editors on one socket, and one set of engines for all of them."""

import asyncio
import json
import logging
import os
import signal
import socket
import time
from pathlib import Path
from typing import Any

from lsp_server.daemon.build_server import build_server
from lsp_server.daemon.daemon_status import Serving, account
from lsp_server.daemon.dashboard import Dashboard
from lsp_server.daemon.socket_writer import SocketWriter
from lsp_server.relay import handshake
from lsp_server.relay.daemon_log import daemon_log
from lsp_server.relay.runtime_folder import SOCKET, check_peer
from lsp_server.rpc.frames import FrameReader, FramingError, frame
from lsp_server.server.engines import Engines, IdleTimes, StartEngine
from lsp_server.server.server import MidspanServer
from lsp_server.server.shared_workspaces import SharedWorkspaces
from lsp_server.settings.sources import check_flags
from lsp_server.telemetry.journal import Journal
from lsp_server.telemetry.log_setup import set_up_logging
from lsp_server.telemetry.session_log import DAEMON_LEVEL, session_log
from lsp_server.telemetry.traces import to_json
from lsp_server.telemetry.usage import Usage
from lsp_server.telemetry.usage_file import usage_file
from lsp_server.telemetry.usage_report import usage_of_days
from midspan import MidspanError, SettingsError, __version__

_log = logging.getLogger(__name__)

_HANDSHAKE_WITHIN_S = 30.0
_LONGEST_WAIT_S = 30.0
_SHOWN_BY_DASHBOARD = 100
_USAGE_DAYS = 7
_CHUNK_BYTES = 1 << 16
_STOPPED = frame(b'{"jsonrpc": "2.0", "method": "%b"}' % handshake.STOPPED_METHOD.encode())


class Daemon:
    """Takes connections at `listener` until it retires, and serves those that it has until the last one ends.

    `lock` is the descriptor that holds this daemon's place in the folder. All but `run` lives on the event loop.
    """

    def __init__(
        self, folder: Path, listener: socket.socket, lock: int, start_engine: StartEngine, times: IdleTimes
    ) -> None:
        self._socket_file = folder / SOCKET
        self._listener = listener
        self._lock = lock
        self._times = times
        self._engines = Engines(start_engine)
        self._workspaces = SharedWorkspaces()
        self._journal = Journal(Usage(usage_file()))
        self._sessions: dict[MidspanServer, SocketWriter] = {}
        self._connections = 0
        self._acceptor: asyncio.Server | None = None
        self._is_retired = False
        self._done = asyncio.Event()
        self._leaving: asyncio.TimerHandle | None = None
        self._dashboard = Dashboard(self._page_state)
        self._serving = Serving(self._sessions.keys(), self._engines, self._workspaces, time.monotonic())

    def run(self) -> None:
        """Returns when the daemon has left its place and its last session has ended."""
        set_up_logging(DAEMON_LEVEL, daemon_log())
        for handler in logging.getLogger().handlers:  # a session that wants to know more does not fill the daemon's log
            handler.setLevel(DAEMON_LEVEL)
        asyncio.run(self._run())

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        self._acceptor = await asyncio.start_unix_server(self._connected, sock=self._listener)
        _log.info("Midspan %s serves as process %d", __version__, os.getpid())
        self._leave_later()
        unloading = asyncio.ensure_future(self._engines.keep_unloading(self._times.unload_after_s))
        await self._done.wait()
        unloading.cancel()
        self._dashboard.close()
        self._journal.close()
        _log.info("The daemon leaves")

    async def _connected(self, reader: asyncio.StreamReader, stream: asyncio.StreamWriter) -> None:
        self._connections += 1
        if self._leaving is not None:
            self._leaving.cancel()
        try:
            check_peer(stream.get_extra_info("socket"))
            greeting = await asyncio.wait_for(reader.readline(), _HANDSHAKE_WITHIN_S)
            await self._answer(handshake.decode(greeting), reader, stream)
        except (MidspanError, OSError, ValueError, TimeoutError) as error:  # ValueError: the line has no end
            _log.warning("A connection is ended: %s", error)
        finally:
            stream.close()
            self._connections -= 1
            self._leave_later()

    async def _answer(
        self, greeting: dict[str, Any], reader: asyncio.StreamReader, stream: asyncio.StreamWriter
    ) -> None:
        wants = greeting.get("wants")
        if wants in ("status", "stop", "trace", "dashboard"):
            stream.write(handshake.encode(await self._tell(greeting)))
            await stream.drain()
            if wants == "stop":
                self._stop()
        elif wants != "serve":
            raise handshake.HandshakeError(f"it wants {wants!r}, which this version does not know")
        elif not isinstance(greeting.get("version"), str):
            raise handshake.HandshakeError("it does not say its version")
        elif self._is_retired or (greeting.get("version") != __version__ and not greeting.get("resumes")):
            _log.info("Version %s takes the place of this one, %s", greeting.get("version"), __version__)
            self._retire()
            stream.write(handshake.encode({"retired": True}))
        else:
            flags, folder = greeting.get("settings"), Path(str(greeting.get("folder") or "/"))
            try:
                check_flags(flags, folder)
            except SettingsError as error:
                stream.write(handshake.encode({"error": str(error)}))
                return
            _take_keys(greeting.get("keys"))
            stream.write(handshake.encode({"pid": os.getpid(), "version": __version__}))
            server = build_server(flags, self._engines, self._workspaces, folder, self._journal)
            writer = SocketWriter(stream)
            with session_log(lambda line: writer.write(_log_message(line))):
                await self._serve(server, reader, writer)

    async def _serve(self, server: MidspanServer, reader: asyncio.StreamReader, writer: SocketWriter) -> None:
        """One session, from after the hello to `exit` or the end of the connection."""
        server.protocol.set_writer(writer)
        self._sessions[server] = writer
        frames = FrameReader()
        try:
            while server.protocol.exit_code is None and (data := await reader.read(_CHUNK_BYTES)):
                for body in frames.feed(data):
                    server.protocol.handle_body(body)
                    # A request takes its snapshot now, before the next message changes the document, and the
                    # other sessions take their turn.
                    await asyncio.sleep(0)
        except FramingError as error:
            _log.warning("%s", error)
        finally:
            del self._sessions[server]
            server.session.close()
            server.end()

    async def _tell(self, greeting: dict[str, Any]) -> dict[str, Any]:
        """What it wants to know."""
        match greeting["wants"]:
            case "trace":
                return await self._traces(greeting)
            case "dashboard":
                try:
                    return {"url": await self._dashboard.url()}
                except OSError as error:
                    return {"error": f"The dashboard cannot listen on this machine: {error.strerror}."}
            case _:
                return await account(self._serving)

    async def _page_state(self, after: int, pid: int) -> dict[str, Any]:
        """What the dashboard shows, but for the requests that it knows."""
        traces = self._journal.traces.newest(_SHOWN_BY_DASHBOARD, after if pid == os.getpid() else 0)
        usage = await asyncio.to_thread(usage_of_days, _USAGE_DAYS)
        return {"account": await account(self._serving), "usage": usage, **to_json(traces)}

    async def _traces(self, greeting: dict[str, Any]) -> dict[str, Any]:
        """Those that `hello` says."""
        limit, after, wait_s, pid = (greeting.get(name) for name in ("limit", "after", "wait_s", "pid"))
        after = after if isinstance(after, int) and pid in (None, os.getpid()) else 0
        if isinstance(wait_s, int):
            await self._journal.traces.wait_for_news(after, min(wait_s, _LONGEST_WAIT_S))
        found = self._journal.traces.newest(limit if isinstance(limit, int) else None, after)
        return {"pid": os.getpid(), **to_json(found)}

    def _leave_later(self) -> None:
        """When nobody is connected: at once if another daemon has this one's place, else after the idle time."""
        if self._connections:
            return
        if self._is_retired:
            self._done.set()
        else:
            loop = asyncio.get_running_loop()
            self._leaving = loop.call_later(self._times.leave_after_s, self._retire)

    def _retire(self) -> None:
        """Gives up the place. What connects from here on is another daemon's; this one ends with its last session."""
        if not self._is_retired:
            self._is_retired = True
            self._socket_file.unlink(missing_ok=True)
            if self._acceptor is not None:
                self._acceptor.close()
            os.close(self._lock)
        self._leave_later()

    def _stop(self) -> None:
        """Ends the sessions too. Their relays come back when their editors speak again."""
        self._retire()
        for writer in self._sessions.values():
            writer.write(_STOPPED)
            writer.close()
        asyncio.get_running_loop().call_later(1, self._done.set)  # a relay that does not read is not waited for


def _log_message(line: str) -> bytes:
    """Return the notification with which a session's log line goes to its relay."""
    return frame(json.dumps({"jsonrpc": "2.0", "method": handshake.LOG_METHOD, "params": {"line": line}}).encode())


def _take_keys(keys: Any) -> None:
    """What an editor's environment says last is what holds, as it would in a process of its own."""
    for name, value in keys.items() if isinstance(keys, dict) else ():
        if name.startswith(handshake.KEY_VARIABLE_PREFIX) and isinstance(value, str):
            os.environ[name] = value
