"""The check of the disks: room for models and caches."""

from pathlib import Path

import platformdirs
import psutil

from inference.store.model_store import user_store
from lsp_server.cli.checks.finding import Finding
from lsp_server.cli.output.sizes import size_in_words

_LEAST_BYTES = 1_000_000_000


def check_disk() -> list[Finding]:
    """Check the disk of the models and the disk of the caches; one finding where both are the same disk."""
    found: dict[int, Finding] = {}  # by the device number
    for name, folder in (("models", user_store().root), ("caches", platformdirs.user_cache_path("midspan"))):
        existing = _nearest_existing(folder)
        found.setdefault(existing.stat().st_dev, _judge(name, folder, psutil.disk_usage(str(existing)).free))
    return list(found.values())


def _judge(name: str, folder: Path, free_bytes: int) -> Finding:
    what = f"{size_in_words(free_bytes)} are free where {name} are kept ({folder})."
    if free_bytes >= _LEAST_BYTES:
        return Finding("disk", what)
    caches = platformdirs.user_cache_path("midspan")
    fix = f"Make room: midspan model list shows the size of each model, and {caches} can be deleted."
    return Finding("disk", what, is_wrong=True, fix=fix)


def _nearest_existing(folder: Path) -> Path:
    return next(above for above in (folder, *folder.parents) if above.exists())
