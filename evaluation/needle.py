"""A needle in a repository: the model has to use a definition that stands somewhere in a long context.

At each length one haystack of held-out files holds a few small modules, spread from its beginning to its end. Each
module has a number and a function with a name that nobody can guess; the line at the cursor names the module and
needs one of the two. All questions of one length share their context, so an engine with a prefix cache prefills the
context once.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from random import Random

from context.documents.document import path_comment
from evaluation.held_out_packages import HeldOutPackage
from evaluation.questions import Fill, Question, answer_question
from evaluation.results import KeptResults, Result
from inference.api import FIM_PROMPT_OVERHEAD_TOKENS, ContextFile, Engine, Repository, Request
from midspan import SettingsError

LENGTHS = tuple(1024 << doubling for doubling in range(8))
DEPTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
SEED = 23
ANSWER_TOKENS = 24
CURRENT = "depot/main.py"
SUFFIX = "\n"
_PIECES = 12  # a haystack has at least this many files, so that needles can stand between them
_LEAST_PIECE_TOKENS = 48
_ATTEMPTS = 5  # the token counts of the parts do not quite add up to the count of the whole
_VERBS = ("reserve", "dispatch", "audit", "weigh", "settle")  # each begins exactly one name of the haystack
_SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]

_MODULE = """{constant}_LIMIT = {number}


def {verb}_{secret}(ticket, weight):
    return weight < {constant}_LIMIT
"""


@dataclass(frozen=True)
class Needle:
    """A module `depot/{name}.py`; nobody can guess its number and its function without reading it."""

    name: str
    verb: str
    secret: str
    number: int
    depth: float

    @property
    def file(self) -> ContextFile:
        """The module as a file of the context."""
        text = _MODULE.format(constant=self.name.upper(), number=self.number, verb=self.verb, secret=self.secret)
        return ContextFile(f"depot/{self.name}.py", text)


@dataclass(frozen=True)
class NeedleCase:
    """A question about a needle: the function at the cursor, and how its line continues."""

    needle: Needle
    function: str
    wanted: str

    @property
    def prefix(self) -> str:
        """The text before the cursor."""
        return f"from depot import {self.needle.name}\n\n\n{self.function}"

    @property
    def title(self) -> str:
        """The name of the case in the kept results."""
        line = self.function.rpartition("\n")[2]
        return f"{line.strip()} at {self.needle.depth:.0%}"


def label_of(length_tokens: int) -> str:
    """The length as the table has it: 2048 is 2K."""
    return f"{length_tokens // 1024}K"


def draw_needles(length_tokens: int) -> list[Needle]:
    """A needle for each depth; every length has its own needles."""
    rng = Random(f"{SEED} {length_tokens}")
    words = ["".join(rng.sample(_SYLLABLES, 3)) for _ in range(2 * len(DEPTHS))]
    numbers = rng.sample(range(10_000, 100_000), len(DEPTHS))
    return [Needle(words[2 * i], _VERBS[i], words[2 * i + 1], numbers[i], depth) for i, depth in enumerate(DEPTHS)]


def cases_of(needles: Sequence[Needle]) -> list[NeedleCase]:
    """Two questions for each needle, its function's name and its number; the first five cover all depths."""
    names = [NeedleCase(n, f"def check(ticket, weight):\n    return {n.name}.{n.verb}_", n.secret) for n in needles]
    numbers = [
        NeedleCase(n, f"def test_limit():\n    assert {n.name}.{n.name.upper()}_LIMIT == ", str(n.number))
        for n in needles
    ]
    in_turn = [pair[i % 2] for i, pair in enumerate(zip(names, numbers, strict=True))]
    return [*in_turn, *(case for case in (*names, *numbers) if case not in in_turn)]


class Haystacks:
    """The files of the context for each length. The last haystack is kept, because its cases follow one another."""

    def __init__(self, engine: Engine, packages: Sequence[HeldOutPackage]) -> None:
        self._engine = engine
        self._files = [item for package in packages for item in package.files.items()]
        Random(SEED).shuffle(self._files)
        self._last: tuple[int, list[ContextFile]] | None = None

    def request(self, length_tokens: int, case: NeedleCase) -> Request:
        """The request whose prompt and answer fill the length. Raises SettingsError when the text is too short."""
        if self._last is None or self._last[0] != length_tokens:
            self._last = length_tokens, self._build(length_tokens)
        return self._ask(self._last[1], case)

    def _ask(self, files: list[ContextFile], case: NeedleCase) -> Request:
        context = "".join(path_comment("python", file.path) + file.text for file in files)
        begun = self._engine.begun_word(case.prefix)
        prefix = case.prefix.removesuffix(begun)
        repository = Repository(CURRENT, tuple(files), prefix)
        prompt = self._engine.fim_prompt(context, path_comment("python", CURRENT) + prefix, SUFFIX, repository)
        return Request(prompt, ANSWER_TOKENS, max_lines=1, begins_with=begun)

    def _build(self, length_tokens: int) -> list[ContextFile]:
        needles = draw_needles(length_tokens)
        room = length_tokens - ANSWER_TOKENS - FIM_PROMPT_OVERHEAD_TOKENS
        room -= sum(self._engine.count_tokens(needle.file.text) for needle in needles)
        for _ in range(_ATTEMPTS):
            files = _spread(needles, self._hay(max(0, room)))
            longest = max(self._ask(files, case).prompt.num_tokens for case in cases_of(needles))
            over = longest + ANSWER_TOKENS - length_tokens
            if over <= 0:
                return files
            room -= over + _LEAST_PIECE_TOKENS // 2
        raise SettingsError(f"{label_of(length_tokens)} tokens are too few for the needles. Ask at greater lengths.")

    def _hay(self, room_tokens: int) -> list[tuple[ContextFile, int]]:
        """Beginnings of files that fill the room, with their counts of tokens."""
        count = self._engine.count_tokens
        longest, left = max(_LEAST_PIECE_TOKENS, room_tokens // _PIECES), room_tokens
        hay = []
        for path, text in self._files:
            lines: list[str] = []
            used = count(path_comment("python", path))
            for line in text.splitlines(keepends=True):
                tokens = count(line)
                if used + tokens > min(longest, left):
                    break
                lines.append(line)
                used += tokens
            if lines:
                hay.append((ContextFile(path, "".join(lines)), used))
                left -= used
            if left < _LEAST_PIECE_TOKENS:
                return hay
        raise SettingsError(f"The held-out packages hold too little text for {room_tokens} tokens.")


def _spread(needles: Sequence[Needle], hay: Sequence[tuple[ContextFile, int]]) -> list[ContextFile]:
    """The hay with each needle at its depth."""
    total = sum(tokens for _, tokens in hay)
    files, passed, waiting = [], 0, list(needles)
    for file, tokens in hay:
        while waiting and passed >= waiting[0].depth * total:
            files.append(waiting.pop(0).file)
        files.append(file)
        passed += tokens
    return [*files, *(needle.file for needle in waiting)]


def judge(case: NeedleCase, fill: Fill) -> dict[str, float]:
    """Right when the whole name or number comes first."""
    return {"right": float(re.match(rf"\s*{case.wanted}\b", fill.text) is not None)}


def run_case(
    engine: Engine, kept: KeptResults, haystacks: Haystacks, length_tokens: int, case: NeedleCase
) -> list[Result]:
    """Ask the case; return its one result. Raises MidspanError."""
    request = haystacks.request(length_tokens, case)
    question = Question(case.title, label_of(length_tokens), request, None)
    return [answer_question(engine, question, kept, partial(judge, case))]


def by_depth(results: Sequence[Result]) -> dict[str, float]:
    """The share of right answers among one length's results, by the depth of the needle."""
    found: dict[str, list[float]] = {}
    for result in results:
        found.setdefault(result.case.rpartition(" ")[2], []).append(result.scores["right"])
    return {depth: sum(scores) / len(scores) for depth, scores in found.items()}
