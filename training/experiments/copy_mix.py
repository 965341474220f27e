"""The gain of a copy distribution: the n-grams of the prompt and of the repository, mixed in at each token.

python -m training.experiments.copy_mix --lines 400

Lines of packages that were never trained on are cut at their beginning or before their middle. At each token of the
rest, the continuations of the longest suffix that stands elsewhere in the prompt, or in lines of the repository that
begin the same, are counted. Their share is mixed with the model's distribution, and its weight depends on the suffix's
length and on how often it was seen: the weights that fit one half of the lines are measured on the other half.
"""

import argparse
import json
import math
import random
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmarks.held_out import open_workspace
from benchmarks.loglikelihood import Scorer
from context.documents.document import Document
from context.documents.snapshot import Snapshot
from context.index.workspace import Workspace
from context.prompt.pack import Budget, pack
from context.related.collect import collect
from context.related.next_lines import next_lines
from evaluation.held_out_packages import HeldOutPackage, load_packages
from inference.api import FIM_PROMPT_OVERHEAD_TOKENS
from inference.local_engine import BUILTIN_MODEL

LONGEST_SUFFIX = 8
NEAR_CHARACTERS = 4000  # of the text on each side of the cursor that is copied from
ROOM_TOKENS = 96  # for the line
LEAST_CHARACTERS, LINES_AROUND = 8, 25
WEIGHTS = [step / 20 for step in range(20)]
LEAST_SEEN = 8  # tokens of a bucket, below which its weight is a guess
GUESSED_WEIGHT = 0.1
COPIED_CHOICES = 3

# The length of the suffix, and how often it was seen: once, up to four times, more often.
Bucket = tuple[int, int]


@dataclass(frozen=True)
class Step:
    """A token of a line: what the model and the copy distribution say of it and of the tokens one may choose."""

    bucket: Bucket
    wanted: int
    # The probabilities by the model and by the copy distribution.
    choices: Mapping[int, tuple[float, float]]

    def likelihood(self, weight: float) -> float:
        """The log-likelihood of the wanted token."""
        return math.log(max(1e-9, _mixed(self.choices[self.wanted], weight)))

    def is_right(self, weight: float) -> bool:
        """True when greedy decoding chooses the wanted token."""
        best = max(self.choices, key=lambda token: _mixed(self.choices[token], weight))
        return best == self.wanted


def _mixed(probabilities: tuple[float, float], weight: float) -> float:
    model, copied = probabilities
    return (1 - weight) * model + weight * copied


def continuations(text: Sequence[int], others: Sequence[Sequence[int]]) -> tuple[int, Counter[int]]:
    """The tokens that follow the longest suffix of `text` elsewhere in it or in `others`, and the suffix's length."""
    for length in range(min(LONGEST_SUFFIX, len(text)), 0, -1):
        suffix = tuple(text[-length:])
        found = Counter(
            tokens[end]
            for tokens in (text, *others)
            for end in range(length, len(tokens))
            if tokens[end - 1] == suffix[-1] and tuple(tokens[end - length : end]) == suffix
        )
        if found:
            return length, found
    return 0, Counter()


def bucket_of(length: int, seen: int) -> Bucket:
    return length, 0 if seen <= 1 else 1 if seen <= 4 else 2


def cut_lines(package: HeldOutPackage, count: int, dice: random.Random) -> Iterator[tuple[Snapshot, str]]:
    """Draw lines; each comes with the snapshot in which the rest of the line is not written yet."""
    paths = sorted(path for path, text in package.files.items() if text.count("\n") > 2 * LINES_AROUND)
    while count:
        path = dice.choice(paths)
        lines = package.files[path].split("\n")
        number = dice.randrange(LINES_AROUND, len(lines) - 5)
        body = lines[number].lstrip()
        if len(body.rstrip()) < LEAST_CHARACTERS or body.startswith("#"):
            continue
        begun = 0 if dice.random() < 0.5 else dice.randrange(1, max(2, len(body) // 2))
        cut = len(lines[number]) - len(body) + begun
        before = "\n".join([*lines[:number], lines[number][:cut]])
        text = "\n".join([before, *lines[number + 1 :]])
        yield Snapshot(Document(path, text, "python", 1), len(before)), lines[number][cut:] + "\n"
        count -= 1


def steps_of(scorer: Scorer, workspace: Workspace, snapshot: Snapshot, rest: str) -> list[Step]:
    """The steps in which a model writes the rest of the line."""
    count, encode = scorer.tokenizer.count, scorer.tokenizer.encode
    room = scorer.context_tokens - ROOM_TOKENS - FIM_PROMPT_OVERHEAD_TOKENS
    packed = pack(snapshot, collect(snapshot, workspace), Budget(room), count)
    wanted, likelihoods = scorer.log_likelihoods(packed, rest)
    before = encode(packed.context + packed.prefix[-NEAR_CHARACTERS:])
    begun = encode(packed.prefix.rpartition("\n")[2])
    others = [encode(packed.suffix[:NEAR_CHARACTERS])]
    others += [begun + encode(line) for line in next_lines(snapshot, workspace, 1)]
    steps = []
    for number, token in enumerate(wanted):
        length, found = continuations([*before, *wanted[:number]], others)
        seen = found.total()
        model = likelihoods[number].exp()
        tokens = {token, int(model.argmax()), *(copied for copied, _ in found.most_common(COPIED_CHOICES))}
        choices = {one: (float(model[one]), found[one] / seen if seen else 0.0) for one in tokens}
        steps.append(Step(bucket_of(length, seen), token, choices))
    return steps


def fit(lines: Sequence[Sequence[Step]]) -> dict[Bucket, float]:
    """The weight of the copy distribution in each bucket that makes the lines most likely."""
    by_bucket: defaultdict[Bucket, list[Step]] = defaultdict(list)
    for line in lines:
        for step in line:
            by_bucket[step.bucket].append(step)
    weights = dict.fromkeys(by_bucket, GUESSED_WEIGHT)
    for bucket, steps in by_bucket.items():
        if bucket[0] == 0:
            weights[bucket] = 0.0
        elif len(steps) >= LEAST_SEEN:
            weights[bucket] = max(WEIGHTS, key=lambda weight: sum(step.likelihood(weight) for step in steps))
    return weights


def measure(lines: Sequence[Sequence[Step]], weights: Mapping[Bucket, float]) -> tuple[float, int]:
    """The mean log-likelihood of a token, and how many lines greedy decoding writes exactly, to their ends."""
    likelihoods = [step.likelihood(weights.get(step.bucket, 0.0)) for line in lines for step in line]
    exact = sum(all(step.is_right(weights.get(step.bucket, 0.0)) for step in line) for line in lines)
    return sum(likelihoods) / len(likelihoods), exact


def main() -> None:
    """Print the figures of the model alone and of the mixture; each half is measured with the other's weights."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=BUILTIN_MODEL, help="a model folder (default: built-in)")
    parser.add_argument("--lines", type=int, default=400)
    parser.add_argument("--seed", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    scorer, dice = Scorer(options.model), random.Random(options.seed)
    packages = load_packages(None)
    lines: list[list[Step]] = []
    for package in packages:
        with tempfile.TemporaryDirectory() as cache:
            workspace = open_workspace(package.root, Path(cache))
            for snapshot, rest in cut_lines(package, options.lines // len(packages), dice):
                lines.append(steps_of(scorer, workspace, snapshot, rest))
            workspace.close()
    dice.shuffle(lines)
    halves = lines[::2], lines[1::2]
    figures: dict[str, object] = {"model": scorer.name, "lines": len(lines)}
    for name, weights in (("alone", ({}, {})), ("mixed", (fit(halves[1]), fit(halves[0])))):
        measured = [measure(half, weight) for half, weight in zip(halves, weights, strict=True)]
        figures[f"loglikelihood_{name}"] = round(sum(likelihood for likelihood, _ in measured) / 2, 4)
        figures[f"exact_{name}"] = sum(exact for _, exact in measured)
    figures["weights"] = {f"{length}, {seen}": weight for (length, seen), weight in sorted(fit(lines).items())}
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
