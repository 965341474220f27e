"""One server for one connection: pygls with a session."""

import asyncio
import logging
import os
import weakref
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls import uris
from pygls.lsp.server import LanguageServer

from inference.api import Engine
from lsp_server.rpc.converter import strict_converter
from lsp_server.rpc.endpoint import MidspanProtocol
from lsp_server.rpc.positions import choose_encoding
from lsp_server.server.engines import Engines
from lsp_server.server.index_progress import IndexProgress
from lsp_server.server.load_progress import has_progress, show_loading
from lsp_server.server.session import Session
from lsp_server.server.shared_workspaces import SharedWorkspaces
from lsp_server.server.status_changes import StatusChanges, wants_status
from lsp_server.settings.live_settings import LiveSettings
from lsp_server.telemetry.journal import EditorName, Journal
from lsp_server.telemetry.session_log import follow_level
from midspan import MidspanError, SettingsError, __version__

_log = logging.getLogger(__name__)

_NAME_CHARACTERS = 60


class MidspanServer(LanguageServer):
    """Answers `initialize`; features.py adds the rest."""

    protocol: MidspanProtocol

    def __init__(
        self, flags: object, engines: Engines, workspaces: SharedWorkspaces, folder: Path, journal: Journal
    ) -> None:
        super().__init__(
            "midspan",
            __version__,
            protocol_cls=MidspanProtocol,
            converter_factory=strict_converter,
        )
        self.session = Session(engines, workspaces, journal, self._notice_engine)
        self._live_settings = LiveSettings(folder, flags)
        self._noticed: weakref.ref[Engine] | None = None  # weak: a model is unloaded while sessions go on
        self._shown_loads: weakref.WeakSet[Engine] = weakref.WeakSet()
        self.reported: str | None = None  # why there is no model, as the user was told
        self._refused: Future[None] | None = None  # the load of a model that cannot fill a hole, however it ends
        self._tasks: set[asyncio.Task[None]] = set()
        # Each may add what only some clients are to see, before the capabilities are told.
        self.offers: list[Callable[[types.ClientCapabilities], None]] = []
        self.status_changes: StatusChanges  # set by status.py
        self.protocol.on_activity = self._look_at_status
        self._engines = engines
        engines.on_unload.append(self._look_at_status)

        @self.feature(types.INITIALIZE)
        def initialize(params: types.InitializeParams) -> None:
            self._initialize(params)
            for offer in self.offers:
                offer(params.capabilities)

        @self.feature(types.INITIALIZED)
        def initialized(_params: types.InitializedParams) -> None:
            self._open_workspaces()

        @self.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
        def folders_changed(_params: types.DidChangeWorkspaceFoldersParams) -> None:
            self._set_roots([folder.uri for folder in self.workspace.folders.values()])
            self._open_workspaces()
            self._change_settings()

        @self.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
        def configuration_changed(params: types.DidChangeConfigurationParams) -> None:
            # Of the settings of all servers, which some editors send, one section is ours.
            said = params.settings.get("midspan") if isinstance(params.settings, dict) else None
            if said is not None:
                self._live_settings.changed_options = said
                self._change_settings()

        @self.feature(types.SHUTDOWN)
        def shutdown(_params: None) -> None:
            self.session.close()

    def _initialize(self, params: types.InitializeParams) -> None:
        session = self.session
        session.encoding = choose_encoding(params.capabilities)
        if (client := params.client_info) is not None:
            session.editor = EditorName(_short(client.name), _short(client.version or ""))
        self.status_changes.is_wanted = wants_status(params.capabilities.experimental)
        folders = [folder.uri for folder in params.workspace_folders or ()]
        self._set_roots(folders or [params.root_uri or ""])
        self._live_settings.options = params.initialization_options
        errors = self._load_settings()
        loop = asyncio.get_running_loop()
        self._index_progress = IndexProgress(self, loop)
        for error in errors:
            loop.call_soon(self.warn, str(error))  # after the response, as LSP demands
        loop.call_soon(self._start_engine)  # the response does not wait for it either

    def _load_settings(self) -> list[SettingsError]:
        """What is wrong with them."""
        before = self.session.settings.completion
        self.session.settings, errors = self._live_settings.load(self.session.roots)
        if before != self.session.settings.completion:
            self.session.switches.settings_changed(before, self.session.settings.completion)
            self.session.end_completions()
        follow_level(self.session.settings.logging_level)
        return errors

    def follow_settings(self) -> None:
        """Takes in what has changed in a file of settings. To be called before a request is answered."""
        if self._live_settings.have_changed(self.session.roots):
            self._change_settings()

    def _change_settings(self) -> None:
        for error in self._load_settings():
            self.warn(str(error))
        _log.info("The settings have been read again")

    def _set_roots(self, folders: list[str]) -> None:
        paths = [uris.to_fs_path(uri) for uri in folders if uri]
        self.session.roots = tuple(Path(path) for path in paths if path and _may_exist(path))

    def _open_workspaces(self) -> None:
        window = self.client_capabilities.window
        if window is not None and window.work_done_progress:
            self.session.workspaces.on_progress = self._index_progress.note
        self.session.workspaces.open(self.session.roots)

    def _start_engine(self) -> None:
        try:
            engine = self.session.start_engine()
        except MidspanError as error:
            self.report_model(error)
        else:
            self._begin(self._try_hole(engine))

    async def _try_hole(self, engine: Engine) -> None:
        """A model that cannot fill one refuses, as soon as its tokenizer is there: nobody waits for that here."""
        try:
            await asyncio.to_thread(engine.fim_prompt, "", "", "")
        except MidspanError as error:
            self._refused = engine.ready
            self.report_model(error)

    def _notice_engine(self, engine: Engine) -> None:
        """Follows the load of an engine that was not there at the last request."""
        if self._noticed is not None and self._noticed() is engine:
            return
        self._noticed = weakref.ref(engine)
        self.show_load(engine)
        loop = asyncio.get_running_loop()
        engine.ready.add_done_callback(_on_loop(loop, self._engine_is_ready))

    def show_load(self, engine: Engine) -> None:
        """Shows the user that this engine loads, if it does, once."""
        is_shown = engine in self._shown_loads
        self._shown_loads.add(engine)
        if not is_shown:
            loop = asyncio.get_running_loop()
            engine.ready.add_done_callback(_on_loop(loop, lambda ready: self._look_at_status()))
        if not is_shown and not engine.ready.done() and has_progress(self.client_capabilities):
            self._begin(show_loading(self.protocol, engine.info.name, engine.ready))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _look_at_status(self) -> None:
        self.status_changes.look_soon()

    def end(self) -> None:
        """The editor has gone: ends what still goes on for it."""
        self.status_changes.end()
        self._engines.on_unload.remove(self._look_at_status)
        self.protocol.cancel_requests()
        for task in self._tasks:
            task.cancel()

    def _engine_is_ready(self, ready: "Future[None]") -> None:
        if ready.cancelled():
            return
        if (error := ready.exception()) is not None:
            self.report_model(error)
        elif ready is not self._refused:
            self.reported = None
            _log.info("The model is ready")

    def report_model(self, error: BaseException) -> None:
        """Tells the user why nothing is completed, unless it was the last that was told."""
        if str(error) == self.reported:
            return
        self.reported = str(error)
        known = isinstance(error, MidspanError)
        _log.error("The model cannot be used: %s", error, exc_info=None if known else error)
        reason = str(error) if known else "it failed unexpectedly; the log says where"
        self.show(types.MessageType.Error, f"Midspan completes nothing: {reason}")

    def warn(self, message: str) -> None:
        """Tells the user and the log."""
        _log.warning("%s", message)
        self.show(types.MessageType.Warning, message)

    def show(self, kind: types.MessageType, message: str) -> None:
        """Shows the user a message."""
        self.window_show_message(types.ShowMessageParams(kind, message))

    def report_server_error(self, error: Exception, source: Any) -> None:
        """pygls would show its errors to the user; here the log has them."""
        _log.error("%s: %s", source.__name__, error)


def _short(name: str) -> str:
    """One line, not long: it is kept and shown."""
    return " ".join(name.split())[:_NAME_CHARACTERS]


def _may_exist(path: str) -> bool:
    """Whether the system takes it for a path at all."""
    try:
        return b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:  # half of a surrogate pair
        return False


def _on_loop(
    loop: asyncio.AbstractEventLoop, callback: Callable[["Future[None]"], None]
) -> Callable[["Future[None]"], None]:
    """The callback, called on the event loop from whatever thread, or not at all once the loop has closed."""

    def forward(future: "Future[None]") -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(callback, future)

    return forward
