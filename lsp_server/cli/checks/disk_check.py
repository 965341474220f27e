"""Whether there is room where models and caches are kept."""

from pathlib import Path

import platformdirs
import psutil

from inference.store.model_store import user_store
from lsp_server.cli.checks.finding import Finding
from lsp_server.cli.output.sizes import size

_LEAST_BYTES = 1_000_000_000


def check_disk() -> list[Finding]:
    """Of the folder of models and that of caches, which may be one disk."""
    found: dict[int, Finding] = {}  # by the disk
    for name, folder in (("models", user_store().root), ("caches", platformdirs.user_cache_path("midspan"))):
        there = _nearest(folder)
        found.setdefault(there.stat().st_dev, _room(name, folder, psutil.disk_usage(str(there)).free))
    return list(found.values())


def _room(name: str, folder: Path, free_bytes: int) -> Finding:
    what = f"{size(free_bytes)} are free where {name} are kept ({folder})."
    if free_bytes >= _LEAST_BYTES:
        return Finding("disk", what)
    fix = f"Make room: midspan model list shows what models take, and {platformdirs.user_cache_path('midspan')} may go."
    return Finding("disk", what, is_wrong=True, fix=fix)


def _nearest(folder: Path) -> Path:
    return next(above for above in (folder, *folder.parents) if above.exists())
