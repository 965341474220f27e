"""Load and unload models as the daemon does, and print the memory in MB: unload_models.py SMALL LARGE"""

import asyncio
import json
import sys
from pathlib import Path

import psutil

from inference.api import Request
from inference.heap import use_one_arena
from inference.prompts.prompt import TokenPrompt
from lsp_server.server.engines import Engines
from lsp_server.server.generate import generate
from lsp_server.server.start_engine import start_engine
from lsp_server.settings.values import ModelSettings

COMPILER = ("torch._dynamo", "torch._inductor", "sympy", "triton")


def memory_mb() -> float:
    return float(psutil.Process().memory_info().rss / 2**20)


async def load(engines: Engines, model: str) -> None:
    engine = engines.engine_for(ModelSettings(model=Path(model), quant="none", cache_bytes=32 << 20))
    await asyncio.wrap_future(engine.ready)
    await generate(engine, Request(TokenPrompt(tuple(range(1, 200)) * 4), 8))


async def unload(engines: Engines) -> None:
    async with asyncio.timeout(60):
        while engines.running():  # the engine's thread may still be taking note that its request has ended
            await engines.unload_idle(0)


async def main() -> None:
    small, large = sys.argv[1:]
    engines = Engines(start_engine)
    figures: dict[str, object] = {}
    await load(engines, small)
    await unload(engines)
    figures["before"] = memory_mb()
    for turn in ("first", "second"):
        await load(engines, large)
        figures[f"{turn}_loaded"] = memory_mb()
        await unload(engines)
        figures[f"{turn}_unloaded"] = memory_mb()
    figures["compiler"] = [name for name in COMPILER if name in sys.modules]
    print(json.dumps(figures))


use_one_arena()
asyncio.run(main())
