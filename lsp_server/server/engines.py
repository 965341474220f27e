"""The engines that run: one for each model and cache size, however many sessions use it, to complete or to chat."""

import asyncio
import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from inference.api import Engine
from inference.heap import release_memory, trim_heap
from inference.remote.address import RemoteAddress, key_variable
from lsp_server.settings.model_content import AllowedModel
from lsp_server.settings.values import ModelSettings

_log = logging.getLogger(__name__)

Section = TypeVar("Section", bound=ModelSettings)
StartEngine = Callable[[ModelSettings], Engine]
EngineKey = tuple["Path | AllowedModel | RemoteAddress | None", str, int | None, str, str]

# A model that did not load may have been mended since. A shorter pause would load it at every keystroke.
_RETRY_S = 10.0


@dataclass(frozen=True)
class IdleTimes:
    """The times without a request until a model is unloaded, and without an editor until the daemon leaves."""

    unload_after_s: float = 15 * 60
    leave_after_s: float = 60 * 60


@dataclass
class _Running:
    engine: Engine
    started_at: float  # readings of the monotonic clock
    asked_at: float


class Engines:
    """Starts, shares and unloads engines. Lives on the event loop alone."""

    def __init__(self, start_engine: StartEngine) -> None:
        self._start_engine = start_engine
        self.on_unload: list[Callable[[], None]] = []  # each is called when an engine runs no more
        self._running: dict[EngineKey, _Running] = {}

    def engine_for(self, settings: ModelSettings) -> Engine:
        """Return the engine, ready or still loading, started when it is not running. Raises ModelError.

        Ask again for each request, and submit it before the event loop runs on: an engine that is not asked for is
        unloaded.
        """
        key, now = key_of(settings), time.monotonic()
        running = self._running.get(key)
        if running is not None and _has_failed(running.engine) and now > running.started_at + _RETRY_S:
            running.engine.close()
            running = None
        if running is None:
            running = self._running[key] = _Running(self._start_engine(settings), now, now)
        running.asked_at = now
        return running.engine

    def running(self) -> dict[EngineKey, Engine]:
        """Return the running engines by the `key_of` their settings."""
        return {key: running.engine for key, running in self._running.items()}

    def idle_s(self, key: EngineKey) -> float:
        """Return the time since this running engine was last asked for."""
        return time.monotonic() - self._running[key].asked_at

    async def unload_idle(self, after_s: float) -> None:
        """Unload each idle model that was not asked for during the last `after_s`."""
        unloaded = False
        for key in list(self._running):
            if self._is_due(key, after_s):  # now: to unload another one has taken a while
                await _unload(self._running.pop(key).engine, after_s)
                unloaded = True
        if unloaded:
            release_memory()  # when no name here holds an engine any more
            for told in list(self.on_unload):
                told()

    def _is_due(self, key: EngineKey, after_s: float) -> bool:
        running = self._running.get(key)
        return running is not None and time.monotonic() >= running.asked_at + after_s and _is_idle(running.engine)

    async def keep_unloading(self, after_s: float) -> None:
        """Unload idle models for ever, and give back what the others have freed."""
        while True:
            await asyncio.sleep(min(after_s / 2, 30))
            await self.unload_idle(after_s)
            await asyncio.to_thread(trim_heap)


def key_of(settings: ModelSettings) -> EngineKey:
    """Return what an engine depends on in a section of the settings. Sections with equal keys share an engine."""
    model = settings.model
    if isinstance(model, Path) and model.is_absolute():
        model = Path(os.path.realpath(model))  # a folder is one model, whatever way leads there
    elif isinstance(model, AllowedModel):
        model = replace(model, folder=Path(os.path.realpath(model.folder)))
    return model, settings.quant, settings.cache_bytes, settings.cache_dtype, settings.device


def with_key(settings: Section, keys: Mapping[str, str]) -> Section:
    """Return the section with its server's key out of `keys`, which has keys by the names of their variables."""
    address = settings.model
    if not isinstance(address, RemoteAddress):
        return settings
    return replace(settings, model=replace(address, key=keys.get(key_variable(address.host))))


async def _unload(engine: Engine, after_s: float) -> None:
    _log.info("The model %s is unloaded: it was not used for %.0f s", engine.info.name, after_s)
    await asyncio.to_thread(engine.close)


def _has_failed(engine: Engine) -> bool:
    return engine.ready.done() and engine.ready.exception() is not None


def _is_idle(engine: Engine) -> bool:
    stats = engine.stats()
    return engine.ready.done() and not stats.live_requests and not stats.waiting_requests
