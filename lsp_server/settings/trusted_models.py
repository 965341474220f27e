"""The models of workspaces that the user has allowed, or refused for ever: a JSON file in the user's state folder.

An answer holds for a folder and its content. The file is the user's alone (0600).
"""

import json
import logging
import os
import stat
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import platformdirs
from filelock import FileLock

from lsp_server.settings.model_content import AllowedModel, ModelContent, stamp_of
from midspan import SettingsError
from midspan.whole_file import write_whole

_log = logging.getLogger(__name__)

_MOST_BYTES = 16 * 1024**2


@dataclass(frozen=True)
class TrustAnswer:
    """The user's word on the content `sha256` of a folder. `stamp` is that of the folder when it last had the content.

    `folder` is the real path, links followed.
    """

    folder: str
    sha256: str
    stamp: str
    is_allowed: bool


class TrustedModels:
    """The answers in one file, which several processes may use at once."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def answers(self) -> list[TrustAnswer]:
        """Read the answers. A file that cannot be used gives none, so the user is asked again."""
        try:
            return [_answer(row) for row in json.loads(self._read())["models"]]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError, TypeError, RecursionError, SettingsError) as error:
            _log.warning("%s is ignored, and no workspace's model is trusted: %s", self.file, error)
            return []

    def find_allowed(self, folder: Path) -> AllowedModel | None:
        """Return the model if the user has allowed what the folder holds now. No file of the folder is read.

        None also when files were written since: `recognize` reads them.
        """
        allowed = [answer for answer in self.answers() if answer.folder == _key(folder) and answer.is_allowed]
        now = stamp_of(folder) if allowed else ""
        sha256 = next((answer.sha256 for answer in allowed if now and answer.stamp == now), None)
        return AllowedModel(folder, sha256, now) if sha256 is not None else None

    def has_answers(self, folder: Path) -> bool:
        """Return whether the user has answered about any content of this folder."""
        return any(answer.folder == _key(folder) for answer in self.answers())

    def recognize(self, folder: Path, content: ModelContent) -> bool | None:
        """Return the user's answer to this content, None if there is none. A known content keeps its answer."""
        for answer in self.answers():
            if (answer.folder, answer.sha256) == (_key(folder), content.sha256):
                if answer.stamp != content.stamp:
                    self.remember(folder, content, is_allowed=answer.is_allowed)
                return answer.is_allowed
        return None

    def remember(self, folder: Path, content: ModelContent, *, is_allowed: bool) -> None:
        """Keep the user's answer. Raises SettingsError."""
        said = TrustAnswer(_key(folder), content.sha256, content.stamp, is_allowed)
        about = (said.folder, said.sha256)
        self._change(lambda answers: [*(other for other in answers if (other.folder, other.sha256) != about), said])

    def revoke(self, folder: Path) -> int:
        """Forget the answers about a folder, and return how many there were. Raises SettingsError."""
        key = _key(folder)
        count = sum(answer.folder == key for answer in self.answers())
        if count:
            self._change(lambda answers: [answer for answer in answers if answer.folder != key])
        return count

    def _change(self, change: Callable[[list[TrustAnswer]], list[TrustAnswer]]) -> None:
        try:
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with FileLock(f"{self.file}.lock", mode=0o600):
                models = [asdict(answer) for answer in change(self.answers())]
                write_whole(self.file, json.dumps({"models": models}, indent=1).encode())
        except OSError as error:
            raise SettingsError(f"{self.file} cannot be written ({error.strerror}).") from error

    def _read(self) -> bytes:
        with self.file.open("rb") as file:
            state = os.fstat(file.fileno())
            if not stat.S_ISREG(state.st_mode):
                raise SettingsError("It is no regular file.")
            if hasattr(os, "getuid") and (state.st_uid != os.getuid() or state.st_mode & 0o022):
                raise SettingsError("Others may write it. Remove it, or take it back: chmod 600.")
            return file.read(_MOST_BYTES)


def trusted_models() -> TrustedModels:
    """Return the user's answers."""
    return TrustedModels(platformdirs.user_state_path("midspan", appauthor=False) / "trusted_models.json")


def _answer(row: dict[str, object]) -> TrustAnswer:
    return TrustAnswer(str(row["folder"]), str(row["sha256"]), str(row["stamp"]), row["is_allowed"] is True)


def _key(folder: Path) -> str:
    return os.path.realpath(folder)
