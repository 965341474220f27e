"""The model that the test hub has, and catalogues that name it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.inference.store.command import Home

REPOSITORY = "someone/Tiny-Base"


WEIGHTS = "model.safetensors"


def write_catalogue(home: Home, released: Path, mirrors: Sequence[Mapping[str, object]], names: list[str]) -> None:
    """Write a catalogue with a model that its own hub lacks, so that only the mirrors have it."""
    files = [
        {"name": n, "size_bytes": len(data := (released / n).read_bytes()), "sha256": hashlib.sha256(data).hexdigest()}
        for n in names
    ]
    entry = {"name": "tiny", "repository": "nobody/Tiny", "use": ["completion"], "parameters": 1, "files": files}
    home.catalogue.write_text(json.dumps({"models": [entry | {"mirrors": list(mirrors)}]}))


def whole(released: Path) -> list[str]:
    return sorted(path.name for path in released.iterdir())
