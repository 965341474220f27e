"""Submits requests of both kinds at random, cancels some of them, and checks the pages at the end of each.

Chats and completions of the built-in model (or `--model`) stop one another all the time. `check_integrity` runs on the
engine's thread whenever a request ends. The resident memory is that after each tenth of the requests; it has to stay.
"""

import argparse
import json
import random
import time
from argparse import Namespace
from collections import Counter
from pathlib import Path
from threading import Semaphore

import psutil

from inference.api import EngineSettings, Request, Update
from inference.local_engine import LocalEngine
from inference.prompts.prompt import TokenPrompt

AT_ONCE = 12  # requests that wait or run
PROMPT_TOKENS = 1, 20, 200, 1000
ROOTS = 40  # beginnings that prompts share
MB = 1e6


class Storm:
    """Requests of one engine. `ends` counts them by their finish reason."""

    def __init__(self, engine: LocalEngine, seed: int) -> None:
        self._engine = engine
        self._dice = random.Random(seed)
        self._room = Semaphore(AT_ONCE)
        self.ends: Counter[str] = Counter()
        self.faults: list[str] = []

    def submit(self) -> None:
        """Submit a request as soon as there is room, and perhaps cancel it a moment later."""
        dice = self._dice
        tokens = random.Random(dice.randrange(ROOTS))
        length = dice.choice(PROMPT_TOKENS)
        prompt = TokenPrompt(tuple(tokens.randrange(256) for _ in range(length)))
        self._room.acquire()
        request = Request(prompt, dice.randint(1, 8), background=dice.random() < 0.5)
        generation = self._engine.submit(request, self._take)
        if dice.random() < 0.4:
            time.sleep(dice.random() * 0.01)
            generation.cancel()

    def wait(self) -> None:
        """Wait for the end of all requests."""
        for _ in range(AT_ONCE):
            self._room.acquire()
        self._room.release(AT_ONCE)

    def _take(self, update: Update) -> None:
        if update.finish_reason is None:
            return
        self.ends[update.finish_reason] += 1
        scheduler = self._engine._scheduler
        try:
            if scheduler is not None:
                scheduler.check_integrity()
        except RuntimeError as error:
            self.faults.append(str(error))
        self._room.release()


def measure(model: Path | None, submits: int, seed: int) -> dict[str, object]:
    """Submit so many requests, and return what they ended in and the memory meanwhile."""
    engine = LocalEngine(EngineSettings(model=model, cache_bytes=32 << 20))
    engine.ready.result()
    storm, memory_mb, began_s = Storm(engine, seed), list[float](), time.perf_counter()
    for number in range(submits):
        storm.submit()
        if (number + 1) % max(1, submits // 10) == 0:
            memory_mb.append(round(psutil.Process().memory_info().rss / MB, 1))
    storm.wait()
    stats = engine.stats()
    engine.close()
    return {
        "submits": submits,
        "seconds": round(time.perf_counter() - began_s, 1),
        "ends": dict(storm.ends),
        "faults": storm.faults[:3],
        "live_requests": stats.live_requests + stats.waiting_requests,
        "memory_mb": memory_mb,
    }


def parse_options() -> Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="a model folder (default: the built-in model)")
    parser.add_argument("--submits", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def main() -> None:
    options = parse_options()
    figures = measure(options.model, options.submits, options.seed)
    print(json.dumps(figures, indent=None if options.json else 2))


if __name__ == "__main__":
    main()
