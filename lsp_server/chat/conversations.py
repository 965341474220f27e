"""The conversations that are kept: one file for each workspace in the user's state folder, the user's alone (0600).

A kept conversation has the words of both sides, and names what was referred to. It has no text of a file but what the
answers quote.
"""

import json
import logging
import os
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, get_args

import platformdirs

from inference.api import Role
from midspan import SettingsError
from midspan.whole_file import write_whole

_log = logging.getLogger(__name__)

_ROLES = get_args(Role)
_MOST_MESSAGES = 200
_MOST_BYTES = 4 * 1024**2  # of all messages

# A message as JSON: `role`, `content`, and what else is to be shown with it.
KeptMessage = Mapping[str, Any]


class Conversations:
    """The kept conversation of each root. Blocks while it reads and writes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, root: Path) -> list[KeptMessage]:
        """Return the messages of a root's conversation. A file that cannot be used gives none."""
        file = self._file(root)
        try:
            with file.open("rb") as opened:
                messages = json.loads(opened.read(2 * _MOST_BYTES))["messages"]
            return [
                message for message in messages if message["role"] in _ROLES and isinstance(message["content"], str)
            ]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            _log.warning("The conversation in %s cannot be read (%s); a new one begins", file, type(error).__name__)
            return []

    def keep(self, root: Path, asked: Sequence[KeptMessage], answer: KeptMessage) -> None:
        """Keep the messages that were asked, and the answer. Raises SettingsError.

        What is kept with the same messages already, such as the files that an answer used, stays with them.
        """
        known = {(message["role"], message["content"]): message for message in self.read(root)}
        messages = [{**known.get((message["role"], message["content"]), {}), **message} for message in asked]
        self._write(root, [*messages, answer])

    def _write(self, root: Path, messages: Sequence[KeptMessage]) -> None:
        """Keep these messages, the newest if they are many, in place of those before. Raises SettingsError."""
        kept = list(messages[-_MOST_MESSAGES:])
        sizes_bytes = [len(json.dumps(message)) for message in kept]
        while kept and (kept[0]["role"] == "assistant" or sum(sizes_bytes) > _MOST_BYTES):
            del kept[0], sizes_bytes[0]  # an answer does not stand first
        text = json.dumps({"root": os.path.realpath(root), "messages": kept})
        try:
            for folder in (self.folder.parent, self.folder):  # the mode holds for the last folder of a path
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_whole(self._file(root), text.encode())
        except OSError as error:
            raise SettingsError(
                f"{self.folder} cannot be written ({error.strerror}), so the conversation is not kept. "
                "Check its permissions."
            ) from error

    def clear(self, root: Path) -> None:
        """Forget the conversation of a root. Raises SettingsError."""
        try:
            self._file(root).unlink(missing_ok=True)
        except OSError as error:
            raise SettingsError(f"{self._file(root)} cannot be removed ({error.strerror}). Remove it.") from error

    def _file(self, root: Path) -> Path:
        name = blake2b(os.fsencode(os.path.realpath(root)), digest_size=8).hexdigest()
        return self.folder / f"{name}.json"


def user_conversations() -> Conversations:
    """Return the user's conversations."""
    return Conversations(platformdirs.user_state_path("midspan", appauthor=False) / "conversations")
