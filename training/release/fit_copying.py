"""The weights of the copy distribution, which go with a model's release.

python -m training.release.fit_copying --lines 800 --out inference/builtin

Lines of packages that no model was trained on, and no suite asks about, are cut at their beginning or before their
middle. The model and the copier say what they expect at each token of the rest, in the request that a user's engine
gets: with the package's index, and as often in a function that stands alone. The weights are those that make the tokens
likeliest; the figures are of each half, with the other's weights.
"""

import argparse
import json
import math
import random
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from tqdm import tqdm

from benchmarks.held_out import open_workspace
from benchmarks.loglikelihood import Scorer
from context.packer import ContextPacker
from evaluation.held_out_packages import HeldOutPackage, Pin, load_packages
from inference.api import EngineSettings, Request
from inference.copying.copier import Copier
from inference.copying.weights import (
    BUCKETS,
    COPYING_FILE,
    IN_LITTLE_TEXT,
    MOST_WEIGHT,
    Bucket,
    CopyWeights,
    bucket_of,
)
from inference.local_engine import BUILTIN_MODEL, LocalEngine
from inference.prompts.prompt import read_tokens
from lsp_server.completion.build_request import PromptSource, build_request
from lsp_server.settings.values import CompletionSettings
from training.release.cut_lines import cut_functions, cut_lines

PINS = (
    Pin("invoke", "3.0.3", "BSD-2-Clause", "f11327165e5cbb89b2ad1d88d3292b5113332c43b8553b494da435d6ec6f5053"),
    Pin("oauthlib", "4.0.1", "BSD-3-Clause", "498a298876e996301950a5b053d12c31628bb7b895db03666430c69ce182eb61"),
    Pin("pyramid", "2.1", "Repoze (BSD)", "0aa62604221f6a8ac6e77a0faa02a5b7a294d6675f15581d8d416dffe2ac98e7"),
    Pin("structlog", "26.1.0", "MIT", "e081a26d6c373e6d201eca24eede26d8ffab07f88f477822e679183428d3d91e"),
)
WEIGHTS = [step / 50 for step in range(50)]
PRIOR_TOKENS = 10.0  # that a bucket is given at the weight of all buckets with its suffix's length
# Of 732 lines of functions that stand alone, shorter suffixes made 7 tokens right and 6 wrong; longer ones 32 and 7.
LEAST_SUFFIX_IN_LITTLE_TEXT = 4
NO_TOKEN = -1  # stands for every token that ends the line


@dataclass(frozen=True)
class Step:
    """A token of a line: what the model and the copy distribution say of it and of the tokens one may choose."""

    bucket: Bucket | None  # None: nothing is copied
    wanted: int
    # The probabilities by the model and by the copy distribution.
    choices: Mapping[int, tuple[float, float]]

    def likelihood(self, weight: float) -> float:
        """The log-likelihood of the wanted token."""
        return math.log(max(1e-9, _mixed(self.choices[self.wanted], weight)))

    def is_right(self, weight: float) -> bool:
        """True when greedy decoding chooses the wanted token."""
        return max(self.choices, key=lambda token: _mixed(self.choices[token], weight)) == self.wanted


def _mixed(probabilities: tuple[float, float], weight: float) -> float:
    model, copied = probabilities
    return (1 - weight) * model + weight * copied


class Observer:
    """Sees what the model and the copier expect at each token of a line."""

    def __init__(self, folder: Path) -> None:
        """Load the model. Raises ModelError."""
        self.engine, self._scorer = LocalEngine(EngineSettings(model=folder)), Scorer(folder)
        self._tokenizer = self.engine.tokenizer
        texts = [self._tokenizer.token_bytes(token) for token in range(self._tokenizer.vocab_size)]
        ends = {token for token, text in enumerate(texts) if text.startswith(b"\n")}
        self._ends = ends | self._tokenizer.sentinels.ends

    def steps_of(self, request: Request, rest: str) -> list[Step]:
        """The steps in which the model writes the rest of a line and ends it, behind the begun word."""
        begun, prompt = request.begins_with, read_tokens(request.prompt)
        wanted = self._tokenizer.encode(begun + rest)
        probabilities = self._scorer.log_likelihoods_behind(prompt, wanted).exp()
        copier = Copier(request, self._tokenizer, CopyWeights({}))
        copier.begin(prompt)
        steps, healed = [], -len(begun.encode())
        for number, token in enumerate([*wanted, NO_TOKEN]):
            if healed >= 0:
                steps.append(self._step(copier, probabilities[number], token))
            if token != NO_TOKEN:
                copier.push(token)
                healed += len(self._tokenizer.token_bytes(token))
        return steps

    def _step(self, copier: Copier, probabilities: torch.Tensor, wanted: int) -> Step:
        found = copier.continuations()
        copied = {} if found is None else dict(zip(found.tokens, found.counts, strict=True))
        choices: defaultdict[int, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
        for token in {wanted, int(probabilities.argmax()), *self._ends, *copied} - {NO_TOKEN}:
            name = NO_TOKEN if token in self._ends else token
            share = copied.get(token, 0) / sum(copied.values()) if copied else 0.0
            model, earlier = choices[name]
            choices[name] = model + float(probabilities[token]), earlier + share
        return Step(None if found is None else bucket_of(found, in_little_text=copier.in_little_text), wanted, choices)


def _requests(
    engine: LocalEngine, package: HeldOutPackage, count: int, dice: random.Random
) -> Iterator[tuple[Request, str]]:
    """Yield the requests for drawn lines of the package as a user's engine gets them, with the rests of the lines."""
    with tempfile.TemporaryDirectory() as cache:
        workspace = open_workspace(package.root, Path(cache))
        for snapshot, rest in cut_lines(package, count, dice):
            source = PromptSource(ContextPacker(workspace, keeps_placement=False))
            _, request = build_request(engine, snapshot, 1, CompletionSettings(), source)
            yield request, rest
        workspace.close()


def _requests_alone(
    engine: LocalEngine, package: HeldOutPackage, count: int, dice: random.Random
) -> Iterator[tuple[Request, str]]:
    """Yield the same for lines of functions that stand alone, without a workspace."""
    for snapshot, rest in cut_functions(package, count, dice):
        _, request = build_request(engine, snapshot, 1, CompletionSettings(), PromptSource())
        yield request, rest


def observe(
    folder: Path, packages: Sequence[HeldOutPackage], lines: int, seed: int
) -> tuple[list[list[Step]], list[list[Step]]]:
    """The steps of so many lines of the packages, and of lines of as many functions that stand alone.

    They are in an order that the seed gives. Raises MidspanError.
    """
    observer, of_each = Observer(folder), lines // len(packages)
    found = []
    for name, requests in (("lines", _requests), ("functions", _requests_alone)):
        dice = random.Random(seed)
        asked = (each for package in packages for each in requests(observer.engine, package, of_each, dice))
        # disable=None: shown only where stderr is a terminal
        bar = tqdm(asked, name, of_each * len(packages), unit="line", file=sys.stderr, disable=None, leave=False)
        steps = [observer.steps_of(request, rest) for request, rest in bar]
        dice.shuffle(steps)
        found.append(steps)
    observer.engine.close()
    in_packages, alone = found
    return in_packages, [line for line in alone if all(_is_in_little_text(step) for step in line)]


def _is_in_little_text(step: Step) -> bool:
    return step.bucket is None or step.bucket[1] == IN_LITTLE_TEXT


def fit(lines: Sequence[Sequence[Step]]) -> dict[Bucket, float]:
    """The weight of the copy distribution in each bucket that makes the lines likeliest.

    In little text short suffixes have none.
    """
    steps = [step for line in lines for step in line if step.bucket is not None]
    little = [step for step in steps if _is_in_little_text(step)]
    weights = _fit([step for step in steps if not _is_in_little_text(step)]) | {
        bucket: weight if bucket[0] >= LEAST_SUFFIX_IN_LITTLE_TEXT else 0.0
        for bucket, weight in _fit(little).items()
        if bucket[1] == IN_LITTLE_TEXT
    }
    return {bucket: weights[bucket] for bucket in BUCKETS}


def _fit(steps: Sequence[Step]) -> dict[Bucket, float]:
    """The likeliest weights for these steps, in every bucket."""
    of_length: defaultdict[int, list[Step]] = defaultdict(list)
    of_bucket: defaultdict[Bucket, list[Step]] = defaultdict(list)
    for step in steps:
        if step.bucket is not None:
            of_length[step.bucket[0]].append(step)
            of_bucket[step.bucket].append(step)
    weights, guess = {}, _likeliest(steps, 0.5)
    for bucket in BUCKETS:
        weights[bucket] = _likeliest(of_bucket[bucket], _likeliest(of_length[bucket[0]], guess))
    return weights


def _likeliest(steps: Sequence[Step], guess: float) -> float:
    """The likeliest weight for these steps and for a few that speak for the guess."""

    def likelihood(weight: float) -> float:
        for_guess = guess * math.log(max(weight, 1e-9)) + (1 - guess) * math.log(1 - weight)
        return sum(step.likelihood(weight) for step in steps) + PRIOR_TOKENS * for_guess

    return min(MOST_WEIGHT, max(WEIGHTS, key=likelihood))


def measure(lines: Sequence[Sequence[Step]], weights: Mapping[Bucket, float]) -> tuple[float, int]:
    """The mean log-likelihood of a token, and how many lines greedy decoding writes exactly, to their ends."""

    def weight(step: Step) -> float:
        return 0.0 if step.bucket is None else weights.get(step.bucket, 0.0)

    likelihoods = [step.likelihood(weight(step)) for line in lines for step in line]
    return sum(likelihoods) / len(likelihoods), sum(all(s.is_right(weight(s)) for s in line) for line in lines)


def figures_of(lines: Sequence[Sequence[Step]]) -> dict[str, float]:
    """The figures of the model alone and of the mixture, on all lines."""
    halves = lines[::2], lines[1::2]
    figures: dict[str, float] = {"lines": len(lines)}
    for name, weights in (("alone", ({}, {})), ("mixed", (fit(halves[1]), fit(halves[0])))):
        measured = [measure(half, weight) for half, weight in zip(halves, weights, strict=True)]
        figures[f"loglikelihood_{name}"] = round(sum(likelihood for likelihood, _ in measured) / 2, 4)
        figures[f"exact_{name}"] = sum(exact for _, exact in measured)
    return figures


def write_weights(folder: Path, weights: Mapping[Bucket, float], made: Mapping[str, object]) -> None:
    """Write the weights into a model's folder; `made` says how they were made."""
    rows = ",\n".join(f"  {json.dumps([*bucket, weight])}" for bucket, weight in weights.items())
    head = json.dumps(made, indent=1).replace("\n", "\n ")
    (folder / COPYING_FILE).write_text(f'{{\n "made": {head},\n "weights": [\n{rows}\n ]\n}}\n', encoding="utf-8")


def main() -> None:
    """Print the figures, and write the weights into the model's folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=BUILTIN_MODEL, help="a model folder (default: built-in)")
    parser.add_argument("--packages", type=Path, help="the folder of the wheels; default: fetch them")
    parser.add_argument("--lines", type=int, default=800)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--out", type=Path, help="the model folder that gets the weights; default: none does")
    options = parser.parse_args()
    torch.set_num_threads(1)
    lines, alone = observe(options.model, load_packages(options.packages, PINS), options.lines, options.seed)
    figures = figures_of(lines) | {f"functions_{name}": value for name, value in figures_of(alone).items()}
    print(json.dumps(figures, indent=2))
    if options.out is not None:
        made: dict[str, object] = {
            "command": f"python -m training.release.fit_copying --lines {options.lines} --seed {options.seed}",
            "packages": [f"{pin.name} {pin.version}" for pin in PINS],
        }
        write_weights(options.out, fit([*lines, *alone]), made | figures)


if __name__ == "__main__":
    main()
