"""The user's folder of models: what is whole lies in `models`, what is under way in `work`; one step leads across."""

import errno
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import platformdirs
from filelock import FileLock, Timeout

from midspan import ModelError

MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}")
# Of a filesystem, of a user's quota, of a process's file size.
DISK_IS_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
PART_SUFFIX = ".part"  # of a fetched file that is not yet whole and checked
_COMMAND_FILE = "command"


class InterruptedFetchError(ModelError):
    """What was fetched so far is good and stays, so that the next try goes on from there."""


@dataclass(frozen=True)
class Unfinished:
    """A pull that has not ended well."""

    name: str
    size_bytes: int
    command: str  # goes on with it


@dataclass(frozen=True)
class WorkPlace:
    """Where one model comes into being. `fetched` outlives a pull that is interrupted, `result` does not."""

    folder: Path

    @property
    def fetched(self) -> Path:
        return self.folder / "fetched"

    @property
    def result(self) -> Path:
        return self.folder / "result"


@dataclass(frozen=True)
class ModelStore:
    root: Path

    @property
    def models(self) -> Path:
        """The folder of those that are whole."""
        return self.root / "models"

    def folder(self, name: str) -> Path:
        return self.models / checked_name(name)

    def names(self) -> list[str]:
        """The models that are here and whole."""
        models = self.models
        return sorted(path.name for path in models.iterdir() if path.is_dir()) if models.is_dir() else []

    def unfinished(self) -> list[Unfinished]:
        pulls = []
        for fetched in sorted((self.root / "work").glob("*/fetched")):
            size_bytes = sum(path.stat().st_size for path in fetched.rglob("*") if path.is_file())
            name, command = fetched.parent.name, fetched.parent / _COMMAND_FILE
            if size_bytes:
                pulls.append(Unfinished(name, size_bytes, command.read_text()))
        return pulls

    @contextmanager
    def making(self, name: str, command: str) -> Iterator[WorkPlace]:
        """A place to make a model in; what its `result` holds at the end becomes the model.

        `command` makes it, and goes on with it after an interruption. Raises ModelError when the name is taken, the
        disk is full or another command is at work; whatever goes wrong, `models` stays as it was.
        """
        final = self.folder(name)
        with self._alone():
            if final.exists():
                raise ModelError(f"{name}: is already here; `midspan model remove {name}` makes room for another")
            work = WorkPlace(self.root / "work" / name)
            try:
                work.folder.mkdir(parents=True, exist_ok=True)
                (work.folder / _COMMAND_FILE).write_text(command)
                work.fetched.mkdir(exist_ok=True)
                work.result.mkdir()
                yield work
                final.parent.mkdir(exist_ok=True)
                work.result.rename(final)
            except (InterruptedFetchError, KeyboardInterrupt):
                shutil.rmtree(work.result if _has_files(work.fetched) else work.folder, ignore_errors=True)
                raise
            except OSError as error:
                shutil.rmtree(work.folder, ignore_errors=True)
                raise _explained(error, work.folder, command) from error
            except BaseException:
                shutil.rmtree(work.folder, ignore_errors=True)
                raise
            shutil.rmtree(work.folder)

    def remove(self, name: str) -> int:
        """Returns the bytes that are free now. Raises ModelError when there is no such model."""
        with self._alone():
            found = [path for path in (self.folder(name), self.root / "work" / name) if path.exists()]
            if not found:
                raise ModelError(f"{name}: no such model is here; `midspan model list` shows those that are")
            size_bytes = sum(path.stat().st_size for top in found for path in top.rglob("*") if path.is_file())
            for path in found:
                # Renamed first: a removal that is interrupted leaves no half model.
                doomed = self.root / "work" / f"{name}.removed"
                doomed.parent.mkdir(exist_ok=True)
                shutil.rmtree(path.rename(doomed))
        return size_bytes

    def leftovers(self) -> list[Path]:
        """What commands that were killed have left, and none goes on with. Nothing while a command is at work."""
        folders = sorted((self.root / "work").glob("*"))
        if not folders:
            return []
        try:
            with FileLock(self.root / "lock", timeout=0):
                results = [folder if _is_useless(folder) else folder / "result" for folder in folders]
                return [folder for folder in results if folder.exists()]
        except Timeout:
            return []

    def sweep(self) -> None:
        """Removes the leftovers. Raises ModelError while another command is at work."""
        with self._alone():
            return

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One command at a time changes the store; what a killed one has left is swept away."""
        self.root.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.root / "lock", timeout=0):
                self._sweep()
                yield
        except Timeout:
            raise ModelError(f"{self.root}: another `midspan model` command is at work; wait for its end") from None

    def _sweep(self) -> None:
        for folder in (self.root / "work").glob("*"):
            if _is_useless(folder):
                shutil.rmtree(folder)
            else:
                shutil.rmtree(folder / "result", ignore_errors=True)


def user_store() -> ModelStore:
    return ModelStore(platformdirs.user_data_path("midspan"))


def find_folder(store: ModelStore, model: Path) -> Path:
    """The folder of the store's model when `model` is its name, else the path as it is.

    Raises ModelError for a plain name that is neither.
    """
    is_name = len(model.parts) == 1 and MODEL_NAME.fullmatch(model.name) is not None
    if is_name and model.name in store.names():
        return store.folder(model.name)
    if is_name and not model.exists():
        raise ModelError(
            f"{model}: no model of that name is here and no such folder; `midspan model list` shows what is here and "
            f"what `midspan model pull` can fetch"
        )
    return model


def checked_name(name: str) -> str:
    """A name that is one plain folder's. Raises ModelError."""
    if not MODEL_NAME.fullmatch(name) or name.endswith(".removed"):
        raise ModelError(f"{name!r} is no name for a model: letters, digits, '.', '_' and '-'")
    return name


def require_space(folder: Path, needed_bytes: int) -> None:
    """Raises ModelError when the disk cannot hold that much more."""
    free_bytes = shutil.disk_usage(folder).free
    if needed_bytes > free_bytes:
        raise ModelError(
            f"{folder}: needs {needed_bytes / 1e9:.2f} GB and {free_bytes / 1e9:.2f} GB are free; make room, or set "
            f"XDG_DATA_HOME to a folder on a larger disk"
        )


def _is_useless(folder: Path) -> bool:
    """Whether no pull can go on with this folder of `work`."""
    return folder.suffix == ".removed" or not _has_files(folder / "fetched")


def _has_files(folder: Path) -> bool:
    return any(path.is_file() for path in folder.rglob("*"))


def _explained(error: OSError, folder: Path, command: str) -> ModelError:
    if error.errno in DISK_IS_FULL:
        return ModelError(f"{folder}: the disk is full; nothing was kept: make room and run `{command}` again")
    return ModelError(f"{error.filename or folder}: {error.strerror or error}; then run `{command}` again")
