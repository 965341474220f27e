"""Complete prompts of many lengths with the built-in model, and print the resident memory in MB."""

import json
import random
from concurrent.futures import Future

import psutil

from inference.api import EngineSettings, Request, Update
from inference.local_engine import LocalEngine
from inference.prompts.prompt import TokenPrompt

CACHE_BYTES = 16 << 20
COMPLETIONS = 60


def memory_mb() -> float:
    return float(psutil.Process().memory_info().rss / 2**20)


def complete(engine: LocalEngine, prompt_tokens: int, max_new_tokens: int, rng: random.Random) -> None:
    ended: Future[None] = Future()

    def take(update: Update) -> None:
        if update.error is not None:
            ended.set_exception(update.error)
        elif update.finish_reason is not None:
            ended.set_result(None)

    tokens = tuple(rng.randrange(8000) for _ in range(prompt_tokens))
    engine.submit(Request(TokenPrompt(tokens), max_new_tokens), take)
    ended.result()


def main() -> None:
    rng = random.Random(13)
    engine = LocalEngine(EngineSettings(cache_bytes=CACHE_BYTES))
    engine.ready.result()
    complete(engine, 2000, 48, rng)
    figures = {"first": memory_mb()}
    for _ in range(COMPLETIONS):
        complete(engine, rng.randint(1, 2000), rng.randint(1, 48), rng)
    figures["last"] = memory_mb()
    engine.close()
    print(json.dumps(figures))


main()
