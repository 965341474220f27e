"""The facts that the last start of a model has found on this machine, kept for the next one. Imports no torch."""

import json
import logging
import os
import threading
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from inference.api import EngineSettings, OnUpdate, Request, Trace, Update
from inference.speed.machine_speed import machine_name
from inference.speed.starts_path import starts_path
from midspan.whole_file import write_whole

log = logging.getLogger(__name__)

_MOST_STARTS = 100  # of models and their settings, in the file
_LEAST_TOKENS = 64  # of fewer, the time is mostly other work
_CHANGE = 1.25  # a smaller one is not worth a write to the disk
_WEIGHT = 0.25  # of the newest request in the speed
_LOCK = threading.Lock()


@dataclass(frozen=True)
class LastStart:
    """`form` is that of the weights, `weights` the folder that they were mapped from, `cache_pages` what was used."""

    form: str
    weights: str
    reading_tokens_per_s: float
    cache_pages: int = 0


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


class KnownStart:
    """The knowledge of an engine about its model on this machine, from the last start and from its requests."""

    def __init__(self, folder: Path, settings: EngineSettings) -> None:
        """Read nothing: the folder may answer slowly."""
        self.speed = ReadingSpeed(None)
        self._folder = folder
        self._settings = settings
        self._kept: LastStart | None = None

    def read(self) -> LastStart | None:
        """Read what the last start has kept, and begin with its speed."""
        self._kept = read_last_start(self._folder, self._settings)
        if self._kept is not None:
            self.speed = ReadingSpeed(self._kept.reading_tokens_per_s)
        return self._kept

    def learn_from(self, request: Request, on_update: OnUpdate) -> OnUpdate:
        """Return a receiver for the updates of a request that also learns the speed, and hands them on."""

        def deliver(update: Update) -> None:
            if update.trace is not None and not request.background:
                self.speed.note(update.trace)
            on_update(update)

        return deliver

    def keep(self, start: LastStart) -> None:
        """Keep what this start has found."""
        if start != self._kept:
            self.speed = ReadingSpeed(start.reading_tokens_per_s)
            self._write(start)

    def keep_speed(self) -> None:
        """Tell the next start when the model reads at another speed than this start was told."""
        kept, speed = self._kept, self.speed.tokens_per_s
        if kept is not None and speed is not None and _has_changed(kept.reading_tokens_per_s, speed):
            self._write(replace(kept, reading_tokens_per_s=speed))

    def keep_cache_pages(self, pages: int) -> None:
        """Tell the next start how many pages of the cache this run has used."""
        if self._kept is not None and _has_changed(self._kept.cache_pages, pages):
            self._write(replace(self._kept, cache_pages=pages))

    def _write(self, start: LastStart) -> None:
        self._kept = start
        keep_last_start(self._folder, self._settings, start)


def _has_changed(kept: float, now: float) -> bool:
    return not kept / _CHANGE <= now <= kept * _CHANGE


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
    is_sound = is_sound and type(start.cache_pages) is int and start.cache_pages >= 0
    return start if is_sound else None


def keep_last_start(folder: Path, settings: EngineSettings, start: LastStart) -> None:
    """Keep what a start has found, beside the starts of other models and on other machines."""
    path, key = starts_path(), _key(folder, settings)
    with _LOCK:
        kept = _read_all()
        starts = {name: value for name, value in kept.get(machine_name(), {}).items() if name != key}
        newest = dict([*starts.items(), (key, asdict(start))][-_MOST_STARTS:])
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, json.dumps(kept | {machine_name(): newest}, indent=2).encode())
        except OSError as error:
            log.warning("the speed of %s cannot be kept in %s: %s", folder, path, error)


def _key(folder: Path, settings: EngineSettings) -> str:
    return f"{os.path.realpath(folder)} {settings.quant} {settings.cache_dtype} {settings.dtype} {settings.device}"


def _read_all() -> dict[str, dict[str, Any]]:
    try:
        found = json.loads(starts_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {machine: starts for machine, starts in found.items() if isinstance(starts, dict)}
