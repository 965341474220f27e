"""The pages of one model that lie on the disk, by their hashes."""

import logging
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from inference.api import KeptPages
from inference.cache.page_file import SUFFIX, CannotOpenNowError, PageFileError, PagePlace, read_places
from inference.cache.page_folder import check_folders

_log = logging.getLogger(__name__)

_MOST_FOLDERS = 16  # each that a session uses; others are read again


@dataclass
class _Folder:
    changed_ns: int = -1
    files: dict[Path, dict[bytes, PagePlace]] = field(default_factory=dict)
    pages: dict[bytes, PagePlace] = field(default_factory=dict)


class PageIndex:
    """Reads the hashes of a folder's pages when its files have changed, whichever process has changed them."""

    def __init__(self, key: bytes, page_bytes: int) -> None:
        self.key = key
        self._page_bytes = page_bytes
        self._folders: OrderedDict[Path, _Folder] = OrderedDict()
        self._said = ""

    def pages(self, kept: KeptPages) -> Mapping[bytes, PagePlace] | None:
        """Return the places of the pages; None: the folder is gone, cannot be read now or is not the user's alone."""
        try:
            changed_ns = check_folders(kept).st_mtime_ns
            known = self._folders.setdefault(kept.folder, _Folder())
            self._folders.move_to_end(kept.folder)
            if known.changed_ns != changed_ns:
                self._read(kept.folder, known)
                known.changed_ns = changed_ns
        except FileNotFoundError:
            self._folders.pop(kept.folder, None)
            return None
        except (OSError, PageFileError, CannotOpenNowError) as error:
            self.complain(kept, error)
            return None
        while len(self._folders) > _MOST_FOLDERS:
            self._folders.popitem(last=False)
        return known.pages

    def new_file(self, kept: KeptPages, name: str) -> Path:
        """Return the path of a file of this model's pages."""
        return kept.folder / f"{self.key.hex()}-{name}{SUFFIX}"

    def drop(self, path: Path, reason: object) -> None:
        """Remove a file that is not whole."""
        _log.warning("A file of pages is removed: %s", reason)
        with suppress(OSError):
            path.unlink()

    def complain(self, kept: KeptPages, error: Exception) -> None:
        """Log why no pages are kept, once for as long as the reason is the same."""
        reason = error.strerror if isinstance(error, OSError) else error
        if str(reason) != self._said:
            self._said = str(reason)
            _log.warning("No pages of the prefix cache are kept in %s for now: %s", kept.root, reason)

    def _read(self, folder: Path, known: _Folder) -> None:
        names = set(folder.glob(f"{self.key.hex()}-*{SUFFIX}"))
        known.files = {path: pages for path, pages in known.files.items() if path in names}
        for path in names - known.files.keys():
            try:
                known.files[path] = read_places(path, self._page_bytes)
            except PageFileError as error:
                self.drop(path, error)
            except OSError:  # another process has removed it
                continue
        known.pages = {page_hash: place for pages in known.files.values() for page_hash, place in pages.items()}
