"""The check of the disks: room for models and caches, and folders that can be written."""

import os
from pathlib import Path

import platformdirs
import psutil

from inference.store.model_store import user_store
from lsp_server.cli.checks.finding import Finding
from lsp_server.cli.output.sizes import size_in_words

_LEAST_BYTES = 1_000_000_000


def check_disk() -> list[Finding]:
    """Check the disk of the models and the disk of the caches; one finding where both are the same disk.

    A folder that cannot be written, such as one of a disk that is mounted read-only, has a finding of its own.
    """
    kept = {"models": user_store().root, "caches": platformdirs.user_cache_path("midspan")}
    found: dict[int, Finding] = {}  # by the device number
    for name, folder in kept.items():
        existing = _nearest_existing(folder)
        found.setdefault(existing.stat().st_dev, _judge(name, folder, psutil.disk_usage(str(existing)).free))
    kept["counts, conversations and the daemon's log"] = platformdirs.user_state_path("midspan", appauthor=False)
    unwritable = [_not_writable(name, folder) for name, folder in kept.items() if not _can_be_written(folder)]
    return [*found.values(), *unwritable]


def _can_be_written(folder: Path) -> bool:
    existing = _nearest_existing(folder)
    return existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)


def _not_writable(name: str, folder: Path) -> Finding:
    what = f"{folder}, where {name} are kept, cannot be written."
    fix = f"Make {_nearest_existing(folder)} a folder that you may write."
    return Finding("disk", what, is_wrong=True, fix=fix)


def _judge(name: str, folder: Path, free_bytes: int) -> Finding:
    what = f"{size_in_words(free_bytes)} are free where {name} are kept ({folder})."
    if free_bytes >= _LEAST_BYTES:
        return Finding("disk", what)
    caches = platformdirs.user_cache_path("midspan")
    fix = f"Make room: midspan model list shows the size of each model, and {caches} can be deleted."
    return Finding("disk", what, is_wrong=True, fix=fix)


def _nearest_existing(folder: Path) -> Path:
    return next(above for above in (folder, *folder.parents) if above.exists())
