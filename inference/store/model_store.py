"""The user's folder of models: a model is made in `work` and enters `models` whole, in one step."""

import errno
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import platformdirs
from filelock import FileLock, Timeout

from inference.store.catalogue import find_model, read_catalogue, user_catalogue_path
from midspan import ModelError
from midspan.whole_file import sync_files

MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}")
# The limit of a filesystem, of a user's quota, of a process's file size.
DISK_IS_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
PART_SUFFIX = ".part"  # of a file that is not yet fetched whole and checked
_COMMAND_FILE = "command"


class InterruptedFetchError(ModelError):
    """A fetch that was interrupted. Its bytes are good and stay, so that the next try continues there."""


@dataclass(frozen=True)
class Unfinished:
    """A pull that was interrupted."""

    name: str
    size_bytes: int
    command: str  # continues the pull


@dataclass(frozen=True)
class WorkPlace:
    """The folder in which a model is made. `fetched` survives a pull that is interrupted, `result` does not."""

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
        """The folder of the models, which are all whole."""
        return self.root / "models"

    def folder(self, name: str) -> Path:
        return self.models / checked_name(name)

    def names(self) -> list[str]:
        """List the names of the models."""
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
        """Give a place to make a model in; at the end, its `result` becomes the model.

        `command` makes the model, and continues after an interruption. Raises ModelError when the name is taken, the
        disk is full or another command is at work; after any error, `models` is as it was.
        """
        final = self.folder(name)
        with self._alone():
            if final.exists():
                raise ModelError(
                    f"{name}: is already here; to make another, remove it with `midspan model remove {name}`"
                )
            work = WorkPlace(self.root / "work" / name)
            try:
                work.folder.mkdir(parents=True, exist_ok=True)
                (work.folder / _COMMAND_FILE).write_text(command)
                work.fetched.mkdir(exist_ok=True)
                work.result.mkdir()
                yield work
                final.parent.mkdir(exist_ok=True)
                sync_files(work.result)
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
        """Remove a model and return the bytes that it had. Raises ModelError when there is no such model."""
        with self._alone():
            found = [path for path in (self.folder(name), self.root / "work" / name) if path.exists()]
            if not found:
                raise ModelError(f"{name}: no model of that name is here; `midspan model list` shows those that are")
            size_bytes = sum(path.stat().st_size for top in found for path in top.rglob("*") if path.is_file())
            for path in found:
                # Rename first, so that a removal that is interrupted leaves no half model.
                doomed = self.root / "work" / f"{name}.removed"
                doomed.parent.mkdir(exist_ok=True)
                shutil.rmtree(path.rename(doomed))
        return size_bytes

    def leftovers(self) -> list[Path]:
        """List the folders of killed commands that no command will continue; none while a command is at work."""
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
        """Remove the leftovers. Raises ModelError while another command is at work."""
        with self._alone():
            return

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Lock the store for one command, and remove the leftovers of killed ones.

        Raises ModelError when it is locked, or cannot be written.
        """
        lock = FileLock(self.root / "lock", timeout=0)
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except Timeout:
            raise ModelError(f"{self.root}: another `midspan model` command is at work; wait for its end") from None
        except OSError as error:
            raise ModelError(
                f"{self.root}: models cannot be kept there ({error.strerror}); make it a folder that you may write"
            ) from error
        try:
            self._sweep()
            yield
        finally:
            lock.release()

    def _sweep(self) -> None:
        for folder in (self.root / "work").glob("*"):
            if _is_useless(folder):
                shutil.rmtree(folder)
            else:
                shutil.rmtree(folder / "result", ignore_errors=True)


def user_store() -> ModelStore:
    return ModelStore(platformdirs.user_data_path("midspan"))


def find_folder(store: ModelStore, model: Path) -> Path:
    """Return the folder of the store's model when `model` is its name, else the path as it is.

    Raises ModelError for a plain name that is not in the store.
    """
    is_name = len(model.parts) == 1 and MODEL_NAME.fullmatch(model.name) is not None
    if is_name and model.name in store.names():
        return store.folder(model.name)
    if is_name:  # a folder of that name in the current directory may be anybody's
        known = find_model(read_catalogue(user_catalogue_path()), model.name)
        if known is not None and known.name in store.names():
            return store.folder(known.name)
        if known is not None:
            raise ModelError(f"{model}: is not on this machine yet; `midspan model pull {model}` fetches it")
        raise ModelError(
            f"{model}: there is no model and no folder of that name; `midspan model list` shows the models that are "
            f"here and those that `midspan model pull` can fetch"
        )
    return model


def checked_name(name: str) -> str:
    """Return the name when a plain folder can have it. Raises ModelError."""
    if not MODEL_NAME.fullmatch(name) or name.endswith(".removed"):
        raise ModelError(f"{name!r} is not a valid model name; use letters, digits, '.', '_' and '-'")
    return name


def require_space(folder: Path, needed_bytes: int) -> None:
    """Check the free space of a disk. Raises ModelError when it is too small."""
    free_bytes = shutil.disk_usage(folder).free
    if needed_bytes > free_bytes:
        raise ModelError(
            f"{folder}: needs {needed_bytes / 1e9:.2f} GB and {free_bytes / 1e9:.2f} GB are free; make room, or set "
            f"XDG_DATA_HOME to a folder on a larger disk"
        )


def _is_useless(folder: Path) -> bool:
    """Return whether no pull can continue in this folder of `work`."""
    return folder.suffix == ".removed" or not _has_files(folder / "fetched")


def _has_files(folder: Path) -> bool:
    return any(path.is_file() for path in folder.rglob("*"))


def _explained(error: OSError, folder: Path, command: str) -> ModelError:
    if error.errno in DISK_IS_FULL:
        return ModelError(f"{folder}: the disk is full; nothing was kept: make room and run `{command}` again")
    return ModelError(f"{error.filename or folder}: {error.strerror or error}; then run `{command}` again")
