"""The user's word on models that a workspace brings along: asked in the editor, once for each folder and content."""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from lsp_server.server.server import MidspanServer
from lsp_server.settings.model_content import ModelContent, read_content, stamp_of
from lsp_server.settings.model_setting import UntrustedModelError
from lsp_server.settings.trusted_models import trusted_models
from midspan import SettingsError

_log = logging.getLogger(__name__)

_ALLOW, _NOT_NOW, _NEVER = "Allow", "Not now", "Never"
# The question may come up while the user types, and Enter takes the first answer in some editors.
_ANSWERS = (_NOT_NOW, _ALLOW, _NEVER)


class ModelConsent:
    """Asks in the background: until there is an answer, the models of the user's own settings serve.

    Lives on the event loop alone; folders are read on other threads.
    """

    def __init__(self, server: MidspanServer) -> None:
        self._server = server
        self._trusted = trusted_models()
        self._looked_at: set[Path] = set()  # folders that are read, or about which the user is asked, now
        self._asked: set[tuple[Path, str]] = set()  # in this session: a folder and the hash of its content
        self._contents: dict[Path, ModelContent] = {}  # as last read
        self._told: set[str] = set()
        server.on_untrusted_models.append(self._consider)

    def _consider(self, errors: Sequence[UntrustedModelError]) -> None:
        for folder in {error.folder for error in errors} - self._looked_at:
            self._looked_at.add(folder)
            self._server.begin(self._ask_about(folder))

    async def _ask_about(self, folder: Path) -> None:
        try:
            content = await self._read(folder)
            is_allowed = await asyncio.to_thread(self._trusted.recognize, folder, content)
            if is_allowed is None and (folder, content.sha256) not in self._asked:
                self._asked.add((folder, content.sha256))
                is_allowed = await self._ask(folder, content)
        except SettingsError as error:
            self._tell(str(error))
            return
        finally:
            self._looked_at.discard(folder)
        if is_allowed:
            self._server.change_settings()

    async def _read(self, folder: Path) -> ModelContent:
        """Return the content of a folder, which is read again only when a file was written. Raises SettingsError."""
        if folder not in self._contents or self._contents[folder].stamp != stamp_of(folder):
            self._contents[folder] = await asyncio.to_thread(read_content, folder)
        return self._contents[folder]

    async def _ask(self, folder: Path, content: ModelContent) -> bool | None:
        """Return the user's answer, which is kept unless the user puts it off. Raises SettingsError."""
        command = f"midspan trust {folder}"
        _log.warning("A workspace wants to load its own model, %s. To allow it: %s", folder, command)
        size = f"{content.files} files, {content.size_bytes / 1e6:,.0f} MB"
        question = (
            f"The midspan.toml of this folder names a model that came with it: {folder} ({size}). Shall Midspan load "
            f"it? Until you allow it, your own model serves."
        )
        try:
            chosen = await self._server.ask(types.MessageType.Warning, question, _ANSWERS)
        except JsonRpcException:  # an editor that cannot ask
            chosen = None
        if chosen in (_ALLOW, _NEVER):
            await asyncio.to_thread(self._trusted.remember, folder, content, is_allowed=chosen == _ALLOW)
            return chosen == _ALLOW
        if chosen is None:
            self._tell(f"The model {folder} of this workspace is not loaded. To allow it, run: {command}")
        return None

    def _tell(self, message: str) -> None:
        """Tell the user once."""
        if message not in self._told:
            self._told.add(message)
            self._server.warn(message)
