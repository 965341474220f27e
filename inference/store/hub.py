"""Fetches from a hub by huggingface_hub, which obeys HF_ENDPOINT, HF_HUB_OFFLINE and HF_TOKEN."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from inference.model_files import checked_path
from inference.store.manifest import READ_BYTES, hash_file
from inference.store.model_store import PART_SUFFIX, InterruptedFetchError, require_space
from inference.weights.progress import show_progress
from midspan import ModelError
from midspan.proxy import refused_proxy

if TYPE_CHECKING:  # a slow import, and no other command needs it
    from huggingface_hub import HfApi


@dataclass(frozen=True)
class HubFile:
    """A file as the hub describes it: LFS has a sha256, a plain git blob its own hash."""

    name: str
    size_bytes: int
    sha256: str | None
    git_blob: str | None


@dataclass(frozen=True)
class HubRevision:
    """A commit of a repository, whose files cannot change."""

    repository: str
    commit: str
    files: tuple[HubFile, ...]
    endpoint: str | None = None  # None: HF_ENDPOINT, or the library's own

    def __str__(self) -> str:
        return f"{self.repository}@{self.commit[:12]}"

    def file(self, name: str) -> HubFile:
        """Find a file. Raises ModelError when the repository lacks it."""
        for file in self.files:
            if file.name == name:
                return file
        gguf = next((f.name for f in self.files if f.name.endswith(".gguf")), None)
        advice = f"; it holds GGUF: fetch {gguf} and `midspan model import` it" if gguf else ""
        raise ModelError(f"{self}: has no {name}{advice}")


def find_revision(repository: str, revision: str | None, endpoint: str | None = None) -> HubRevision:
    """Ask the hub for a revision. ModelError: no such model; InterruptedFetchError: the hub does not answer."""
    import httpx2
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    api = _api(endpoint)
    try:
        info = api.model_info(repository, revision=revision, files_metadata=True)
    except GatedRepoError as error:
        raise ModelError(
            f"{repository}: needs its owner's consent: ask for it on the model's page, then set HF_TOKEN"
        ) from error
    except RepositoryNotFoundError as error:
        raise ModelError(f"{repository}: {api.endpoint} has no such model; for a private one set HF_TOKEN") from error
    except RevisionNotFoundError as error:
        raise ModelError(f"{repository}: has no revision {revision!r}; without one, the newest is taken") from error
    except HFValidationError as error:
        raise ModelError(f"{repository!r}: is no name of a repository; write OWNER/NAME") from error
    except OfflineModeIsEnabled as error:
        raise InterruptedFetchError("HF_HUB_OFFLINE forbids asking a hub; unset it") from error
    except httpx2.InvalidURL as error:
        raise ModelError(f"{api.endpoint}: is no address of a hub ({_short(error)}); correct it") from error
    except (HfHubHTTPError, httpx2.HTTPError, OSError) as error:
        raise InterruptedFetchError(f"{api.endpoint} cannot be reached ({_short(error)})") from error
    except (ImportError, ValueError) as error:
        raise refused_proxy(api.endpoint, error) from error
    files = tuple(
        HubFile(s.rfilename, s.size or 0, s.lfs.sha256 if s.lfs else None, None if s.lfs else s.blob_id)
        for s in info.siblings or ()
    )
    return HubRevision(repository, info.sha or "main", files, endpoint)


def fetch_from_hub(revision: HubRevision, files: Sequence[HubFile], folder: Path) -> None:
    """Fetch and check the files that the folder does not have yet.

    Raises ModelError, before anything is written for a name that is no path inside the folder; after
    InterruptedFetchError, a later call continues at the byte where this one stopped.
    """
    for file in files:
        checked_path(file.name, revision)
    missing = [file for file in files if not _is_right(folder / file.name, file)]
    have_bytes = sum(path.stat().st_size for path in folder.rglob(f"*{PART_SUFFIX}"))
    require_space(folder, sum(file.size_bytes for file in missing) - have_bytes)
    for file in missing:
        part = folder / f"{file.name}{PART_SUFFIX}"
        part.parent.mkdir(exist_ok=True)
        _fetch(revision, file, part)
        part.rename(folder / file.name)


def _fetch(revision: HubRevision, file: HubFile, part: Path) -> None:
    """Download a file until it is right. What an earlier try has begun may be of another revision."""
    if part.exists() and part.stat().st_size > file.size_bytes:
        part.unlink()
    is_begun = part.exists()
    _download(revision, file, part)
    if _is_right(part, file):
        return
    part.unlink()
    if not is_begun:
        raise ModelError(f"{file.name}: the bytes from {revision} do not match its checksum, and were removed")
    _fetch(revision, file, part)


def _download(revision: HubRevision, file: HubFile, part: Path) -> None:
    """Download a file. hf_hub_download would drop the part that an interrupted process has fetched (pull 4228)."""
    import httpx2
    from huggingface_hub import hf_hub_url
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # documented as its place

    url = hf_hub_url(revision.repository, file.name, revision=revision.commit, endpoint=revision.endpoint)
    try:
        with part.open("ab") as opened:
            http_get(
                url,
                opened,
                resume_size=opened.tell(),
                headers=build_hf_headers(),
                expected_size=file.size_bytes,
                displayed_filename=file.name,
            )
    except (HfHubHTTPError, httpx2.HTTPError, OfflineModeIsEnabled) as error:
        raise InterruptedFetchError(f"{revision} broke off at {file.name} ({_short(error)})") from error
    except OSError as error:
        if error.errno is not None:
            raise
        # The library raises OSError without a number for a body that is too short or too long.
        raise ModelError(f"{file.name}: {_short(error)}") from error


def _is_right(path: Path, file: HubFile) -> bool:
    if not path.exists():
        return False
    with show_progress(f"checking {file.name}", file.size_bytes) as progress:
        if file.sha256:
            return hash_file(path, progress).sha256 == file.sha256
        if not file.git_blob:
            return False
        digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
        with path.open("rb") as opened:
            while block := opened.read(READ_BYTES):
                digest.update(block)
                progress(len(block))
    return digest.hexdigest() == file.git_blob


def _api(endpoint: str | None) -> "HfApi":
    from huggingface_hub import HfApi

    return HfApi(endpoint=endpoint)


def _short(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0] or type(error).__name__
