"""The cost of a moved suffix in quality, and its gain in time, in the order "psm", with the engine itself.

Lines are cut in their middle and completed to their end: with the suffix computed at the cut, and with the suffix moved
from where the typist was before. That is the beginning of the line, 3 lines before, or 10. The engine has computed the
prefix up to the last word, as while typing. Results are kept: the same command goes on where it was stopped.
"""

import argparse
import asyncio
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from statistics import fmean, median

from tqdm import tqdm

from evaluation.cache_folder import cache_folder
from evaluation.humaneval_tasks import read_tasks, task_file
from evaluation.results import digest_model
from inference.api import EngineSettings, Request
from inference.local_engine import BUILTIN_MODEL, LocalEngine
from inference.moved_suffix import FRESH_TOKENS
from inference.prompts.prompt import TokenPrompt, build_fim_prompt
from lsp_server.server.generate import Generated, generate
from lsp_server.settings.model_setting import find_model
from midspan import ModelError, SettingsError

SEED = 17
MOST_TOKENS = 48
PREFIX_LINES = 100
LEAST_LETTERS = 8  # of a line of a file
# Lines between the place where the suffix was computed and the cut; the oldest first, because the engine takes the
# youngest suffix that it has.
AGES = {"10 lines": 10, "3 lines": 3, "line": 0}
EXACT = "exact"


@dataclass(frozen=True)
class Cut:
    """A line that is cut at the end of `prefix`; `wanted` is its rest."""

    name: str
    prefix: str
    wanted: str
    suffix: str

    def earlier_prefix(self, lines: int) -> str:
        """The prefix when the typist began to write the line, or so many lines before."""
        before, _, line = self.prefix.rpartition("\n")
        if lines == 0:
            return self.prefix[: len(self.prefix) - len(line.lstrip())]
        return "".join(f"{kept}\n" for kept in before.split("\n")[:-lines])


@dataclass(frozen=True)
class Measured:
    """An answer at a cut. `key` names the cut, the way and all that decides the answer."""

    key: str
    way: str
    text: str
    is_right: bool
    prefilled_tokens: int
    moved_tokens: int
    age_tokens: int
    first_token_ms: float


def cut_line(name: str, before: str, line: str, after: str) -> Cut | None:
    """Cut a line in its middle; None for one of fewer than two characters."""
    start, end = len(line) - len(line.lstrip()), len(line.rstrip())
    place = (start + end + 1) // 2
    return Cut(name, before + line[:place], line[place:end], after) if start < place < end else None


def humaneval_cuts(path: Path | None) -> Iterator[Cut]:
    for task in read_tasks(task_file(path), None):
        if cut := cut_line(task.name, task.prompt, task.wanted.rstrip("\n"), f"\n{task.suffix.lstrip(chr(10))}"):
            yield cut


def folder_cuts(folder: Path, engine: LocalEngine, suffix_tokens: int, longest_suffix_tokens: int) -> Iterator[Cut]:
    """A line of each Python file that has the longest suffix behind it; the same lines for every suffix."""
    for path in sorted(folder.rglob("*.py")):
        lines = path.read_text(errors="replace").split("\n")
        rows = [row for row in range(max(AGES.values()) + 1, len(lines)) if is_code(lines[row])]
        Random(SEED).shuffle(rows)
        for row in rows:
            rest = "\n".join(["", *lines[row + 1 :]])
            if engine.count_tokens(rest) >= longest_suffix_tokens:
                before = "".join(f"{line}\n" for line in lines[max(0, row - PREFIX_LINES) : row])
                after = first_lines(engine, rest, suffix_tokens)
                cut = cut_line(f"{path.relative_to(folder)}:{row}", before, lines[row], after)
                if cut is not None:
                    yield cut
                break


def is_code(line: str) -> bool:
    return sum(map(str.isalpha, line)) >= LEAST_LETTERS and line.lstrip()[0] not in "#\"'"


def first_lines(engine: LocalEngine, text: str, most_tokens: int) -> str:
    """The first whole lines of a text, within so many tokens."""
    kept, tokens = "", 0
    for line in text.splitlines(keepends=True):
        tokens += engine.count_tokens(line)
        if tokens > most_tokens:
            break
        kept += line
    return kept


class Typist:
    """Asks an engine at cuts, and keeps the answers in a file of JSON lines."""

    def __init__(self, engine: LocalEngine, kept: Path) -> None:
        self._engine = engine
        self._path = kept
        kept.parent.mkdir(parents=True, exist_ok=True)
        lines = kept.read_text().splitlines() if kept.exists() else []
        self._known = {found.key: found for found in map(_read, lines) if found is not None}

    def complete(self, cut: Cut) -> list[Measured]:
        """Return the answers with moved suffixes, the oldest first, and the one with an exact suffix."""
        keys = {way: _digest(cut, way) for way in [*AGES, EXACT]}
        if any(key not in self._known for key in keys.values()):
            for way, lines in AGES.items():
                self._ask(cut.earlier_prefix(lines), cut.suffix, may_move=False, tokens=1)
                self._keep(cut, way)
            self._keep(cut, EXACT)
        return [self._known[key] for key in keys.values()]

    def _keep(self, cut: Cut, way: str) -> None:
        may_move = way != EXACT
        self._ask(last_word_off(cut.prefix), cut.suffix, may_move=may_move, tokens=1)
        generated = self._ask(cut.prefix, cut.suffix, may_move=may_move, tokens=MOST_TOKENS)
        trace = generated.trace
        if trace is None or trace.ttft_ms is None:
            raise ModelError("the engine answered nothing")
        measured = Measured(
            key=_digest(cut, way),
            way=way,
            text=generated.text,
            is_right=generated.text.rstrip() == cut.wanted,
            prefilled_tokens=trace.prefilled_tokens,
            moved_tokens=trace.moved_tokens,
            age_tokens=trace.moved_age_tokens,
            first_token_ms=trace.ttft_ms,
        )
        self._known[measured.key] = measured
        with self._path.open("a") as file:
            file.write(f"{json.dumps(asdict(measured))}\n")

    def _ask(self, prefix: str, suffix: str, *, may_move: bool, tokens: int) -> Generated:
        engine = self._engine
        begun = engine.begun_word(prefix)
        prompt = build_fim_prompt(engine.tokenizer, "psm", "", prefix.removesuffix(begun), suffix)
        request = Request(TokenPrompt(prompt), tokens, max_lines=1, begins_with=begun, may_move_suffix=may_move)
        return asyncio.run(generate(engine, request))


def last_word_off(prefix: str) -> str:
    return prefix.rstrip().rpartition(" ")[0]


def _read(line: str) -> Measured | None:
    try:
        return Measured(**json.loads(line))
    except (ValueError, TypeError):
        return None  # a line that was cut off


def _digest(cut: Cut, way: str) -> str:
    asked = repr((cut, way, FRESH_TOKENS, MOST_TOKENS))
    return hashlib.sha256(asked.encode()).hexdigest()[:16]


def summarize(found: Sequence[Sequence[Measured]]) -> dict[str, dict[str, float]]:
    """The figures of each way; `same_text` is the share of answers that are those of the exact suffix.

    A short suffix is not moved: `right_moved` are the right answers among those with a moved one, and `right_exact`
    those that the exact suffix gives at the same cuts.
    """
    figures = {}
    for index, way in enumerate([*AGES, EXACT]):
        answers = [answers[index] for answers in found]
        moved = [(answers[index], answers[-1]) for answers in found if answers[index].moved_tokens]
        figures[way] = {
            "n": len(answers),
            "exact_match": round(fmean(answer.is_right for answer in answers), 4),
            "same_text": round(fmean(a[index].text.rstrip() == a[-1].text.rstrip() for a in found), 4),
            "moved": len(moved),
            "right_moved": sum(answer.is_right for answer, _ in moved),
            "right_exact": sum(exact.is_right for _, exact in moved),
            "moved_tokens": median(answer.moved_tokens for answer in answers),
            "age_tokens": median(answer.age_tokens for answer in answers),
            "prefilled_tokens": median(answer.prefilled_tokens for answer in answers),
            "first_token_ms": round(median(answer.first_token_ms for answer in answers), 1),
        }
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, help="a model's folder or name (default: the built-in model)")
    parser.add_argument("--quant", choices=("auto", "none", "int8", "int4"), default="auto")
    parser.add_argument("--tasks", type=Path, help="HumanEval's file of single lines")
    parser.add_argument("--folder", type=Path, help="take lines of the Python files of this folder instead")
    parser.add_argument("--suffix-tokens", type=int, nargs="+", default=[128], help="of the lines of --folder")
    parser.add_argument("--limit", type=int, default=100, help="the number of lines (default: %(default)s)")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    folder = find_model(Path.cwd(), arguments.model) if arguments.model else BUILTIN_MODEL
    kept = cache_folder() / f"moved-suffix-{digest_model(folder)}-{arguments.quant}.jsonl"
    engine = LocalEngine(EngineSettings(model=folder, quant=arguments.quant))
    try:
        engine.ready.result()
        typist = Typist(engine, kept)
        for name, cuts in sets_of_cuts(engine, arguments):
            found = [typist.complete(cut) for cut in tqdm(cuts, disable=None, leave=False)]
            report(engine.info.name, name, summarize(found), as_json=arguments.json)
    finally:
        engine.close()


def sets_of_cuts(engine: LocalEngine, arguments: argparse.Namespace) -> Iterator[tuple[str, list[Cut]]]:
    """The cuts of each length of the suffix. Fewer cuts are the beginning of more. Raises SettingsError."""
    if arguments.folder is None:
        yield "humaneval", _draw(list(humaneval_cuts(arguments.tasks)), arguments.limit)
        return
    for suffix_tokens in arguments.suffix_tokens:
        cuts = list(folder_cuts(arguments.folder, engine, suffix_tokens, max(arguments.suffix_tokens)))
        if not cuts:
            raise SettingsError(f"{arguments.folder} has no Python file that is long enough.")
        yield f"suffix of {suffix_tokens} tokens", _draw(cuts, arguments.limit)


def _draw(cuts: list[Cut], count: int) -> list[Cut]:
    Random(SEED).shuffle(cuts)
    return cuts[:count]


def report(model: str, name: str, figures: dict[str, dict[str, float]], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"model": model, "set": name, **figures}), flush=True)
        return
    print(f"{model}, {name}")
    for way, found in figures.items():
        print(f"  {way:10}{'  '.join(f'{score} {value:g}' for score, value in found.items())}", flush=True)


if __name__ == "__main__":
    main()
