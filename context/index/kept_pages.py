"""The folder where an engine may keep what it has computed of a workspace's prompts: the text can be read from that.

The folder's name changes whenever text may have to leave the disk. A prompt gets the name before its text is packed,
and an engine makes no folder: so what was packed before the change is not written after it. A mark stands between the
moment in which the index is about to lose a file and the moment in which prompts have lost it too. The mark outlives a
kill, and nothing is kept meanwhile.
"""

import logging
import re
import secrets
import shutil
from contextlib import suppress
from pathlib import Path

import platformdirs

_log = logging.getLogger(__name__)

_FOLDER = "pages"  # beside the folder of the indexes
_MARK = "forget"
_NAME_BYTES = 8
_GONE = ".gone"
_NAME = re.compile(f"[0-9a-f]{{{2 * _NAME_BYTES}}}")
_GONE_NAME = re.compile(_NAME.pattern + re.escape(_GONE))


def user_pages_folder() -> Path:
    """Return the folder of the kept pages of all workspaces in the user's cache folder."""
    return platformdirs.user_cache_path("midspan") / _FOLDER


def kept_bytes(root: Path) -> int:
    """Return the bytes of the kept pages of all workspaces."""
    total = 0
    for path in root.glob("*/*/*"):
        with suppress(OSError):  # it is removed meanwhile
            total += path.lstat().st_size
    return total


def forget_all_pages(root: Path) -> None:
    """Remove the kept pages of all workspaces; what is packed from now on may be kept."""
    for folder in root.glob("*"):
        _remove(folder)


class KeptPagesFolder:
    """The kept pages of one workspace. Any thread and any process may call."""

    def __init__(self, database: Path) -> None:
        """`database` is the workspace's index, in the folder of all indexes."""
        self._folder = database.parent.parent / _FOLDER / database.stem
        self._mark = self._folder / _MARK

    def current(self) -> Path | None:
        """Return the folder for the prompt that is packed next, made if need be; None while nothing may be kept."""
        try:
            if self.is_forgetting:
                return None
            self._make()
            if found := _folders(self._folder, _NAME):
                return found[0]
            new = self._folder / secrets.token_hex(_NAME_BYTES)
            new.mkdir(mode=0o700)
            return new
        except OSError as error:
            _log.debug("No pages of %s are kept (%s).", self._folder, error)
            return None

    @property
    def is_forgetting(self) -> bool:
        """True from `begin_forgetting` to `end_forgetting`."""
        return self._mark.exists()

    def begin_forgetting(self) -> None:
        """Remove what is kept, and keep nothing until `end_forgetting`, also after a kill."""
        with suppress(OSError):  # a full disk: what is there can be removed
            self._make()
            self._mark.touch(mode=0o600)
        self.forget()

    def end_forgetting(self) -> None:
        """Remove what is kept; what is packed from now on may be kept."""
        self.forget()
        with suppress(OSError):
            self._mark.unlink(missing_ok=True)

    def forget(self) -> None:
        """Remove what is kept, and what is packed already is not kept either."""
        _remove(self._folder)

    def delete(self) -> None:
        """Remove all there is: the workspace is gone."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _make(self) -> None:
        for folder in (self._folder.parent, self._folder):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)


def _remove(workspace: Path) -> None:
    for folder in _folders(workspace, _NAME):
        with suppress(OSError):
            folder.rename(folder.with_name(f"{folder.name}{_GONE}"))  # in one step: nobody writes a file there any more
    for gone in _folders(workspace, _GONE_NAME):
        shutil.rmtree(gone, ignore_errors=True)


def _folders(workspace: Path, name: re.Pattern[str]) -> list[Path]:
    """Return the folders of such a name; none where a link leads."""
    if workspace.is_symlink() or workspace.parent.is_symlink():
        return []
    with suppress(OSError):
        return sorted(path for path in workspace.iterdir() if name.fullmatch(path.name))
    return []
