"""Copies a model from the cache of huggingface_hub, the only source that is left with HF_HUB_OFFLINE."""

from collections.abc import Mapping
from pathlib import Path

from inference.model_files import CONFIG_FILE, find_file, has_file
from inference.store.manifest import hash_file
from inference.store.model_store import InterruptedFetchError, require_space
from inference.store.released_folder import LICENCE_FOLDER, open_folder
from inference.weights.progress import show_progress
from midspan import ModelError

SHA256_DIGITS = 64


def is_offline() -> bool:
    from huggingface_hub import constants

    return bool(constants.HF_HUB_OFFLINE)


def copy_from_cache(
    repository: str, revision: str | None, gguf: str | None, known_sha256: Mapping[str, str], folder: Path
) -> str:
    """Copy the released files, or the GGUF file, and return their source in words. Raises ModelError."""
    snapshot = _snapshot(repository, revision)
    if gguf is None:
        files = {CONFIG_FILE: find_file(snapshot, CONFIG_FILE), **open_folder(snapshot).files}
    elif has_file(snapshot, gguf):
        files = {gguf: find_file(snapshot, gguf)}
    else:
        raise InterruptedFetchError(f"the hub's cache has no {gguf} of {repository}; unset HF_HUB_OFFLINE")
    require_space(folder, sum(path.stat().st_size for path in files.values()))
    if any("/" in name for name in files):
        (folder / LICENCE_FOLDER).mkdir(exist_ok=True)
    for name, path in files.items():
        # The cache names a large file's bytes by their sha256.
        expected = known_sha256.get(name) or (path.name if len(path.name) == SHA256_DIGITS else None)
        with show_progress(name, path.stat().st_size) as progress:
            found = hash_file(path, progress, copy_to=folder / name)
        if expected and found.sha256 != expected:
            raise ModelError(f"{path}: its sha256 is {found.sha256} and must be {expected}; remove it from the cache")
    return f"{repository}@{snapshot.name[:12]} in the hub's cache"


def _snapshot(repository: str, revision: str | None) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(repository, revision=revision, local_files_only=True))
    except HFValidationError as error:
        raise ModelError(f"{repository!r}: is no name of a repository; write OWNER/NAME") from error
    except LocalEntryNotFoundError as error:
        raise InterruptedFetchError(
            f"HF_HUB_OFFLINE forbids asking a hub, and its cache does not hold {repository}; unset it"
        ) from error
