"""The facts that the last start of a model has found on this machine, kept for the next one. Imports no torch."""

import json
import logging
import os
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import platformdirs

from inference.api import EngineSettings, Trace
from inference.machine_speed import machine_name

log = logging.getLogger(__name__)

_MOST_STARTS = 100  # of models and their settings, in the file
_LEAST_TOKENS = 64  # of fewer, the time is mostly other work
_CHANGE = 1.25  # a smaller one is not worth a write to the disk
_WEIGHT = 0.25  # of the newest request in the speed
_LOCK = threading.Lock()


@dataclass(frozen=True)
class LastStart:
    """`form` is that of the weights, `weights` the folder that they were mapped from."""

    form: str
    weights: str
    reading_tokens_per_s: float


class ReadingSpeed:
    """The tokens of a prompt that a model reads in a second: as the last start knew it, then by its requests."""

    def __init__(self, tokens_per_s: float | None) -> None:
        self.tokens_per_s = tokens_per_s

    def note(self, trace: Trace) -> None:
        """Learn from the cost of one request that had the cores to itself."""
        if trace.prefilled_tokens < _LEAST_TOKENS or trace.ttft_ms is None or trace.queue_ms is None:
            return
        seen = 1000 * trace.prefilled_tokens / max(trace.ttft_ms - trace.queue_ms, 0.001)
        known = self.tokens_per_s
        self.tokens_per_s = seen if known is None else known + _WEIGHT * (seen - known)

    def differs_from(self, kept: float) -> bool:
        """Return whether the speed has changed so much that the next start should know."""
        speed = self.tokens_per_s
        return speed is not None and not kept / _CHANGE <= speed <= kept * _CHANGE


def read_last_start(folder: Path, settings: EngineSettings) -> LastStart | None:
    """Read what the last start of this model with these settings has found on this machine; None: nothing yet."""
    found = _read_all().get(machine_name(), {}).get(_key(folder, settings))
    if not isinstance(found, dict):
        return None
    try:
        start = LastStart(**found)
    except TypeError:
        return None
    speed = start.reading_tokens_per_s
    is_sound = isinstance(speed, int | float) and speed > 0 and isinstance(start.weights, str)
    return start if is_sound else None


def keep_last_start(folder: Path, settings: EngineSettings, start: LastStart) -> None:
    """Keep what a start has found, beside the starts of other models and on other machines."""
    path, key = _path(), _key(folder, settings)
    with _LOCK:
        kept = _read_all()
        starts = {name: value for name, value in kept.get(machine_name(), {}).items() if name != key}
        newest = dict([*starts.items(), (key, asdict(start))][-_MOST_STARTS:])
        partial = path.with_suffix(f".{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            partial.write_text(json.dumps(kept | {machine_name(): newest}, indent=2), encoding="utf-8")
            partial.replace(path)
        except OSError as error:
            log.warning("the speed of %s cannot be kept in %s: %s", folder, path, error)


def _key(folder: Path, settings: EngineSettings) -> str:
    return f"{os.path.realpath(folder)} {settings.quant} {settings.cache_dtype} {settings.dtype}"


def _path() -> Path:
    return platformdirs.user_cache_path("midspan") / "last-starts.json"


def _read_all() -> dict[str, dict[str, Any]]:
    try:
        found = json.loads(_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {machine: starts for machine, starts in found.items() if isinstance(starts, dict)}
