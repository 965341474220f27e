"""Submits requests of both kinds at random, cancels some of them, and checks the pages at the end of each.

Chats and completions of the built-in model (or `--model`) stop one another all the time, and suffixes are moved.
`check_integrity` runs on the engine's thread whenever a request ends. The resident memory is that before the first
request and after each tenth of them; it has to stay.
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
SUFFIX_TOKENS = 40
TYPED_TOKENS = 8  # the most by which the prefixes before a suffix differ
ROOTS = 40  # beginnings that prompts share
MB = 1e6


class Storm:
    """Requests of one engine. `ends` counts them by their finish reason, `moved` those whose suffix was moved."""

    def __init__(self, engine: LocalEngine, seed: int) -> None:
        self._engine = engine
        self._dice = random.Random(seed)
        self._room = Semaphore(AT_ONCE)
        self.ends: Counter[str] = Counter()
        self.moved = 0
        self.faults: list[str] = []

    def submit(self) -> None:
        """Submit a request as soon as there is room, and perhaps cancel it a moment later."""
        dice = self._dice
        prompt = self._prompt()
        self._room.acquire()
        request = Request(prompt, dice.randint(1, 8), background=dice.random() < 0.5, may_move_suffix=True)
        generation = self._engine.submit(request, self._take)
        if dice.random() < 0.4:
            time.sleep(dice.random() * 0.01)
            generation.cancel()

    def wait(self) -> None:
        """Wait for the end of all requests."""
        for _ in range(AT_ONCE):
            self._room.acquire()
        self._room.release(AT_ONCE)

    def _prompt(self) -> TokenPrompt:
        """Make a prompt of one of the roots. Half of them fill a hole, in the order "psm"."""
        root, length = random.Random(self._dice.randrange(ROOTS)), self._dice.choice(PROMPT_TOKENS)
        suffix = [root.randrange(256) for _ in range(SUFFIX_TOKENS)]
        fim = self._engine.tokenizer.sentinels.fim
        if fim is None or self._dice.random() < 0.5:
            return TokenPrompt(tuple(root.randrange(256) for _ in range(length)))
        prefix = [root.randrange(256) for _ in range(length + self._dice.randint(0, TYPED_TOKENS))]
        return TokenPrompt((fim.begin, *prefix, fim.hole, *suffix, fim.end))

    def _take(self, update: Update) -> None:
        if update.finish_reason is None:
            return
        self.ends[update.finish_reason] += 1
        self.moved += update.trace is not None and update.trace.moved_tokens > 0
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
    storm, memory_mb, began_s = Storm(engine, seed), [resident_mb()], time.perf_counter()
    for number in range(submits):
        storm.submit()
        if (number + 1) % max(1, submits // 10) == 0:
            memory_mb.append(resident_mb())
    storm.wait()
    stats = engine.stats()
    engine.close()
    return {
        "submits": submits,
        "seconds": round(time.perf_counter() - began_s, 1),
        "ends": dict(storm.ends),
        "moved_suffixes": storm.moved,
        "faults": storm.faults[:3],
        "live_requests": stats.live_requests + stats.waiting_requests,
        "memory_mb": memory_mb,
    }


def resident_mb() -> float:
    return round(psutil.Process().memory_info().rss / MB, 1)


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
