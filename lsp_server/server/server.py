"""The server of one connection: pygls with a session. Each feature registers itself here."""

import asyncio
import logging
import os
import weakref
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls import uris
from pygls.lsp.server import LanguageServer

from inference.api import Engine
from lsp_server.rpc.converter import strict_converter
from lsp_server.rpc.endpoint import MidspanProtocol
from lsp_server.rpc.frames import MAX_BODY_BYTES
from lsp_server.rpc.positions import choose_encoding
from lsp_server.server.battery import Battery
from lsp_server.server.engines import Engines
from lsp_server.server.index_progress import IndexProgress
from lsp_server.server.load_progress import has_progress, show_loading
from lsp_server.server.pauses import Pauses
from lsp_server.server.session import Session
from lsp_server.server.shared_workspaces import SharedWorkspaces
from lsp_server.server.status import ServerStatus
from lsp_server.settings.live_settings import LiveSettings
from lsp_server.settings.model_setting import UntrustedModelError
from lsp_server.telemetry.journal import EditorName, Journal
from lsp_server.telemetry.session_log import follow_level
from midspan import SettingsError, __version__
from midspan.visible_text import visible_text

_log = logging.getLogger(__name__)

_NAME_CHARACTERS = 60


class MidspanServer(LanguageServer):
    """Answers the life cycle's messages, and follows settings, workspaces and the loads of models."""

    protocol: MidspanProtocol

    def __init__(
        self,
        flags: object,
        engines: Engines,
        workspaces: SharedWorkspaces,
        folder: Path,
        journal: Journal,
        pauses: Pauses,
    ) -> None:
        super().__init__(
            "midspan",
            __version__,
            protocol_cls=MidspanProtocol,
            converter_factory=strict_converter,
        )
        self.session = Session(engines, workspaces, journal)
        self.status = ServerStatus(self.session, self.protocol)
        # Each is called before the server's capabilities are told, and may register what only some clients are to see.
        self.on_initialize: list[Callable[[types.ClientCapabilities], None]] = []
        # Each is called with the models of workspaces that are not loaded, whenever the settings were read.
        self.on_untrusted_models: list[Callable[[Sequence[UntrustedModelError]], None]] = []
        self.pauses = pauses
        self.battery = Battery()
        self._live_settings = LiveSettings(folder, flags, pauses.settings_s)
        self._told_errors: list[str] = []
        self._has_told_skipped = False
        self._followed_loads: weakref.WeakSet[Engine] = weakref.WeakSet()
        self._tasks: set[asyncio.Task[None]] = set()
        self.protocol.on_activity = self.status.changes.look_soon
        self.protocol.on_skipped = self._tell_skipped
        self._engines = engines
        engines.on_unload.append(self.status.changes.look_soon)

        @self.feature(types.INITIALIZE)
        def initialize(params: types.InitializeParams) -> None:
            self._initialize(params)
            for listener in self.on_initialize:
                listener(params.capabilities)

        @self.feature(types.INITIALIZED)
        def initialized(_params: types.InitializedParams) -> None:
            self._open_workspaces()

        @self.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
        def folders_changed(_params: types.DidChangeWorkspaceFoldersParams) -> None:
            self._set_roots([folder.uri for folder in self.workspace.folders.values()])
            self._open_workspaces()
            self.change_settings()

        @self.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
        def configuration_changed(params: types.DidChangeConfigurationParams) -> None:
            # Some editors send the settings of all servers: one section of them is ours.
            if isinstance(params.settings, dict) and "midspan" in params.settings:  # null: the user has removed it
                self._live_settings.take_changed_options(params.settings["midspan"])
                self.change_settings()

        @self.feature("midspan/userSettings")
        def user_settings(params: Any) -> None:
            self._live_settings.take_options(params)
            self.change_settings()

        @self.feature(types.SHUTDOWN)
        def shutdown(_params: None) -> None:
            self.session.close()

    def _initialize(self, params: types.InitializeParams) -> None:
        session = self.session
        session.encoding = choose_encoding(params.capabilities)
        if (client := params.client_info) is not None:
            session.editor = EditorName(_short(client.name), _short(client.version or ""))
        self.status.changes.is_wanted = asks_for(params.capabilities.experimental, "status")
        folders = [folder.uri for folder in params.workspace_folders or ()]
        self._set_roots(folders or [params.root_uri or ""])
        self._live_settings.is_vouched = asks_for(params.capabilities.experimental, "userSettings")
        self._live_settings.take_options(params.initialization_options)
        self._index_progress = IndexProgress(self, asyncio.get_running_loop(), lambda: self.session.roots)
        self.after_response(partial(self._tell_errors, self._load_settings()))

    def after_response(self, work: Callable[[], None]) -> None:
        """Do this when the message that is being answered has its response: `initialize` comes before all else."""
        asyncio.get_running_loop().call_soon(work)

    def _load_settings(self) -> list[SettingsError]:
        """Let the settings hold that are written now, and return what is wrong with them."""
        settings, errors = self._live_settings.load(self.session.roots)
        self.session.untrusted_models = [error for error in errors if isinstance(error, UntrustedModelError)]
        self.session.change_settings(settings)
        self.status.changes.look_soon()
        follow_level(settings.logging_level)
        return errors

    def follow_settings(self) -> None:
        """Take in what has changed in a file of settings. To be called before a request is answered."""
        if self._live_settings.have_changed(self.session.roots):
            self.change_settings()

    def change_settings(self) -> None:
        """Take in the settings as they are written now."""
        self._tell_errors(self._load_settings())
        _log.info("The settings have been read again")

    def _tell_errors(self, errors: list[SettingsError]) -> None:
        """Tell the user what was not wrong before. Whoever listens asks about the models of workspaces."""
        for listener in self.on_untrusted_models:
            listener(self.session.untrusted_models)
        others = [str(error) for error in errors if not isinstance(error, UntrustedModelError)]
        for error in others:
            if error not in self._told_errors:
                self.warn(error)
        self._told_errors = others

    def _set_roots(self, folders: list[str]) -> None:
        paths = [uris.to_fs_path(uri) for uri in folders if uri]
        self.session.change_roots(tuple(Path(path) for path in paths if path and _may_exist(path)))

    def _open_workspaces(self) -> None:
        if has_progress(self.client_capabilities):
            self.session.workspaces.on_progress = self._index_progress.note
        self.session.workspaces.open(self.session.roots)

    def follow_load(self, engine: Engine) -> None:
        """Show the user that this engine loads, if it does, once, and look at the status when it has loaded."""
        if engine in self._followed_loads:
            return
        self._followed_loads.add(engine)
        engine.ready.add_done_callback(on_loop(lambda _ready: self.status.changes.look_soon()))
        if not engine.ready.done() and has_progress(self.client_capabilities):
            self.begin(show_loading(self.protocol, engine.info.name, engine.ready))

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Run this until the connection ends."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def end(self) -> None:
        """End what still goes on for an editor that has gone."""
        self.status.changes.end()
        self._engines.on_unload.remove(self.status.changes.look_soon)
        self.protocol.cancel_requests()
        for task in self._tasks:
            task.cancel()

    def warn(self, message: str) -> None:
        """Tell the user and the log."""
        _log.warning("%s", message)
        self.show(types.MessageType.Warning, message)

    def show(self, kind: types.MessageType, message: str) -> None:
        """Show the user a message."""
        self.window_show_message(types.ShowMessageParams(kind, visible_text(message)))

    async def ask(self, kind: types.MessageType, question: str, answers: Sequence[str]) -> str | None:
        """Ask the user a question, and return the answer, None for none. Raises JsonRpcException."""
        actions = [types.MessageActionItem(answer) for answer in answers]
        params = types.ShowMessageRequestParams(kind, visible_text(question), actions)
        chosen = await asyncio.wrap_future(self.protocol.send_request(types.WINDOW_SHOW_MESSAGE_REQUEST, params))
        return chosen.title if chosen is not None else None

    def _tell_skipped(self) -> None:
        if not self._has_told_skipped:  # a message at every change of the document would be noise
            self._has_told_skipped = True
            limit = f"{MAX_BODY_BYTES // 1024**2} MB"
            self.warn(f"A message of over {limit} was skipped. A file of this size is not completed.")

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Log an error of pygls, which would show it to the user."""
        _log.error("%s: %s", source.__name__, error)


def on_loop(callback: Callable[["Future[None]"], None]) -> Callable[["Future[None]"], None]:
    """Return a callback for any thread that calls this one on the running event loop, unless that has closed."""
    loop = asyncio.get_running_loop()

    def forward(future: "Future[None]") -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(callback, future)

    return forward


def asks_for(experimental: Any, name: str) -> bool:
    """Return whether a client's `capabilities.experimental.midspan` has this member."""
    ours = experimental.get("midspan") if isinstance(experimental, dict) else None
    return isinstance(ours, dict) and ours.get(name) is True


def _short(name: str) -> str:
    """Return the name on one line and not long: it is kept and shown."""
    return " ".join(name.split())[:_NAME_CHARACTERS]


def _may_exist(path: str) -> bool:
    """Tell whether the system takes this for a path at all."""
    try:
        return b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
