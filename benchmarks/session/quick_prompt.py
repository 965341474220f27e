"""The cost of a quick prompt in quality: lines of Python's library, completed from the text at the cursor and from all.

Each place stands behind the first word of a line's statement. The rest of the line is right when it is the file's own.
The peer of each quick prompt is the whole prompt at the same place, in the same run; no other file is open.
"""

import argparse
import asyncio
import json
import random
import re
import sysconfig
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from context.documents.document import Document
from context.documents.snapshot import Snapshot
from inference.api import EngineSettings
from inference.local_engine import LocalEngine
from lsp_server.completion.build_request import PromptSource
from lsp_server.completion.pipeline import FillJob, fill
from lsp_server.settings.values import CompletionSettings
from lsp_server.telemetry.record import Record

SEED = 15
LONG_LINES = 300  # a file with fewer has no prompt that takes long
STATEMENT = re.compile(r"[ ]{4,}(?:return|if|for|with|raise|self\.\w+ =|\w+ =) (?=\S{8,}|\S+ \S+ \S+)")


def places(count: int) -> Iterator[tuple[Snapshot, str]]:
    """Yield places in long files, each with the rest of its line."""
    rng = random.Random(SEED)
    files = [path for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")) if path.stat().st_size > 30_000]
    for path in rng.choices(files, k=count):
        text = path.read_text(encoding="utf-8")
        found = [match for match in STATEMENT.finditer(text) if text.count("\n", 0, match.start()) > LONG_LINES]
        if found:
            end = rng.choice(found).end()
            stop = text.index("\n", end)
            document = Document(path.name, text[:end] + text[stop:], "python", 1)
            yield Snapshot(document, end), text[end:stop]


async def rest_of_line(
    engine: LocalEngine, snapshot: Snapshot, quick_tokens: int, *, is_quick: bool
) -> tuple[str, int]:
    """Return the completed line, and the tokens of its prompt."""
    source = replace(PromptSource(), quick_tokens=quick_tokens if is_quick else None)
    job = FillJob(snapshot, source, CompletionSettings(), 1, is_quick=is_quick)
    record = Record("benchmark")
    filled = await fill(engine, job, record)
    tokens = record.trace.prompt_tokens if record.trace is not None else 0
    return (filled.texts[0] if filled.texts else ""), tokens


async def measure(model: Path | None, count: int, quick_tokens: int) -> dict[str, float]:
    engine = LocalEngine(EngineSettings(model=model))
    await asyncio.to_thread(engine.ready.result)
    right, tokens, found = {True: 0, False: 0}, {True: 0, False: 0}, 0
    for snapshot, rest in places(count):
        found += 1
        for is_quick in (True, False):
            text, prompt_tokens = await rest_of_line(engine, snapshot, quick_tokens, is_quick=is_quick)
            right[is_quick] += text.strip() == rest.strip()
            tokens[is_quick] += prompt_tokens
    engine.close()
    return {
        "places": found,
        "right_quick": right[True],
        "right_whole": right[False],
        "tokens_quick": tokens[True] / found,
        "tokens_whole": tokens[False] / found,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, metavar="FOLDER", help="a model folder (default: the built-in model)")
    parser.add_argument("--places", type=int, default=100)
    parser.add_argument("--quick-tokens", type=int, default=256)
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    figures = asyncio.run(measure(options.model, options.places, options.quick_tokens))
    if options.json:
        print(json.dumps(figures, indent=2))
    else:
        for name, value in figures.items():
            print(f"{name:14} {value:>10,.1f}")


if __name__ == "__main__":
    main()
