"""The worth of token healing to a model. Lines of held-out packages are cut within a word, after a blank, a mark or the
indentation, and each rest is requested twice: with the begun word taken back from the prompt, and without.
"""

import argparse
import asyncio
import io
import json
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import fmean
from typing import Literal, get_args

from tqdm import tqdm

from evaluation.held_out_packages import load_packages
from inference.api import EngineSettings, Request
from inference.local_engine import LocalEngine
from lsp_server.server.generate import generate
from lsp_server.settings.model_setting import find_model
from midspan import ModelError

SEED = 31
PREFIX_LINES, SUFFIX_LINES = 40, 10
MOST_TOKENS = 48
MOST_LETTERS = 3  # letters of the begun word
LEAST_WORD = 4
Kind = Literal["within a word", "after a blank", "after a mark", "after the indentation"]


@dataclass(frozen=True)
class Cut:
    """A cut line. `word` is the name or keyword that is begun, or comes next; `wanted` is the rest of the line."""

    kind: Kind
    prefix: str
    wanted: str
    suffix: str
    word: str


@dataclass(frozen=True)
class Score:
    exact_match: bool
    right_word: bool
    steps: int


def cuts_of(text: str, rng: Random) -> Iterator[Cut]:
    """The cuts around each name and keyword of a file."""
    lines = text.split("\n")
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        row, start = token.start[0] - 1, token.start[1]
        if token.type != tokenize.NAME or len(token.string) < LEAST_WORD or start < 1:
            continue
        line = lines[row]
        begun = rng.randint(1, MOST_LETTERS)
        yield _cut("within a word", lines, row, start + begun, token.string[begun:])
        if line[start - 1] == " ":
            kind: Kind = "after a blank" if line[:start].strip() else "after the indentation"
            yield _cut(kind, lines, row, start, token.string)
        elif line[start - 1] in ".([":
            yield _cut("after a mark", lines, row, start, token.string)


def _cut(kind: Kind, lines: list[str], row: int, column: int, word: str) -> Cut:
    prefix = "\n".join([*lines[max(0, row - PREFIX_LINES) : row], lines[row][:column]])
    suffix = "\n".join(["", *lines[row + 1 : row + 1 + SUFFIX_LINES]])
    return Cut(kind, prefix, lines[row][column:], suffix, word)


def draw_cuts(count: int, folder: Path | None) -> list[Cut]:
    """Equally many cuts of each kind; a smaller set is the beginning of a larger set."""
    rng = Random(SEED)
    found: dict[str, list[Cut]] = {kind: [] for kind in get_args(Kind)}
    for package in load_packages(folder):
        for text in package.files.values():
            for cut in cuts_of(text, rng):
                found[cut.kind].append(cut)
    return [cut for cuts in found.values() for cut in rng.sample(cuts, len(cuts))[:count]]


def ask_for(engine: LocalEngine, cut: Cut, *, heals: bool) -> Score:
    begun = engine.begun_word(cut.prefix) if heals else ""
    prompt = engine.fim_prompt("", cut.prefix.removesuffix(begun), cut.suffix)
    generated = asyncio.run(generate(engine, Request(prompt, MOST_TOKENS, max_lines=1, begins_with=begun)))
    if generated.trace is None:
        raise ModelError("the engine was closed in the middle")
    return Score(
        exact_match=generated.text.rstrip() == cut.wanted.rstrip(),
        right_word=re.match(rf"{re.escape(cut.word)}(?!\w)", generated.text) is not None,
        steps=generated.trace.decode_tokens,
    )


def measure(engine: LocalEngine, cuts: list[Cut]) -> dict[str, dict[str, float]]:
    """The figures by kind of cut and by way."""
    scores: dict[str, list[Score]] = {}
    for cut in tqdm(cuts, disable=None, leave=False):
        for way, heals in (("plain", False), ("healed", True)):
            scores.setdefault(f"{cut.kind}, {way}", []).append(ask_for(engine, cut, heals=heals))
    return {
        name: {
            "n": len(found),
            "exact_match": round(fmean(score.exact_match for score in found), 4),
            "right_word": round(fmean(score.right_word for score in found), 4),
            "steps": round(fmean(score.steps for score in found), 1),
        }
        for name, found in scores.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, help="a model's folder or name (default: the built-in model)")
    parser.add_argument("--quant", choices=("auto", "none", "int8", "int4"), default="auto")
    parser.add_argument("--cuts", type=int, default=200, help="cuts of each kind (default: %(default)s)")
    parser.add_argument("--packages", type=Path, help="a folder with the wheels of the held-out packages")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    model = find_model(Path.cwd(), arguments.model) if arguments.model else None
    engine = LocalEngine(EngineSettings(model=model, quant=arguments.quant))
    try:
        engine.ready.result()
        figures = measure(engine, draw_cuts(arguments.cuts, arguments.packages))
    finally:
        engine.close()
    if arguments.json:
        print(json.dumps({"model": engine.info.name, **figures}))
        return
    for name, found in figures.items():
        print(f"{name:32}{'  '.join(f'{score} {value:g}' for score, value in found.items())}")


if __name__ == "__main__":
    main()
