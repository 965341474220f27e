"""`midspan eval calibration`: the share of a model's texts that are right, by the probability that it gave them.

Lines of repositories that `midspan eval typing` does not type are typed; at each pause the model writes, and each
beginning of its text that may be shown is judged. Nothing is accepted, so all places of the lines are met.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from context.documents.indentation import indentation_of
from evaluation.typist.judgement import judge
from evaluation.typist.passages import pauses_in
from evaluation.typist.typist import Desk, next_pause
from lsp_server.completion.confidence.confidence_table import PLACES, ConfidenceTable, Place, Points
from lsp_server.completion.confidence.sure_beginning import beginnings_of, best_beginning, place_of_cursor
from lsp_server.completion.pipeline import fill
from lsp_server.completion.triggers import Trigger
from lsp_server.settings.values import Eagerness
from lsp_server.telemetry.record import Record

# The share of the shown texts that shall be right. At medium, 0.55 is the least: other repositories are other.
TARGETS: dict[Eagerness, float] = {"low": 0.75, "medium": 0.6, "high": 0.45}
_FIRST_STEP, _STEPS = 15, 100  # what is right less often than this helps nobody
_MOST_POINTS, _LEAST_GUESSES = 12, 40


@dataclass(frozen=True)
class Guess:
    """A beginning of the model's text at a pause: its probability, and whether it is right."""

    text: str
    probability: float
    is_right: bool


@dataclass(frozen=True)
class Sample:
    """The text that the model wrote at a pause, `at` so many characters of the passage."""

    at: int
    place: Place
    guesses: tuple[Guess, ...]


async def sample_passage(desk: Desk, seed: int) -> list[Sample]:
    """Type the passage; return what the model wrote at each pause at which it is asked. Raises MidspanError."""
    typed, places, found = desk.passage.typed, pauses_in(desk.passage, seed), []
    desk.type(indentation_of(typed))
    while True:
        at, feature = desk.typed, desk.feature
        snapshot = feature.session.snapshot(desk.uri, desk.cursor)
        trigger = feature.decide(desk.uri, snapshot, explicit=False) if at in places else None
        if isinstance(trigger, Trigger):
            job = feature.job(desk.uri, snapshot, trigger.max_lines)
            filled = await fill(feature.model.engine(), job, Record("completion"))
            text, output = filled.candidates[0].text, filled.greedy
            written = output.trace.written if output.trace is not None else ()
            ahead = next_pause(typed, at, places)
            guesses = [
                Guess(beginning, probability, judge(beginning, typed[at:], ahead) == "right")
                for beginning, probability in beginnings_of(text, output.text, written)
            ]
            found.append(Sample(at, place_of_cursor(snapshot), tuple(guesses)))
        if at == len(typed):
            return found
        desk.type_key()


def fit_table(samples: Sequence[Sample], languages: tuple[str, ...] | None) -> ConfidenceTable:
    """Fit the chances, and the least chance at which as many of the shown texts are right as the targets say."""
    chances = {place: fit_points(_pairs(samples, place)) for place in PLACES}
    table = ConfidenceTable(chances, dict.fromkeys(TARGETS, 0.0), languages)
    return ConfidenceTable(chances, {word: _least_chance(samples, table, TARGETS[word]) for word in TARGETS}, languages)


def _pairs(samples: Iterable[Sample], place: Place) -> list[tuple[float, bool]]:
    return [(guess.probability, guess.is_right) for s in samples if s.place == place for guess in s.guesses]


def fit_points(pairs: Sequence[tuple[float, bool]]) -> Points:
    """Fit rising chances to guesses by isotonic regression, as few points. Without guesses, probabilities are chances.

    Neighbours that do not rise are pooled; of the pools that are left, the smallest are joined.
    """
    pools: list[tuple[int, float, float]] = []  # guesses, sum of probabilities, right ones
    for probability, rows in groupby(sorted(pairs), key=lambda pair: pair[0]):
        rights = [is_right for _, is_right in rows]
        pools.append((len(rights), probability * len(rights), float(sum(rights))))
        while len(pools) > 1 and pools[-2][2] / pools[-2][0] >= pools[-1][2] / pools[-1][0]:
            pools[-2:] = [_joined(pools[-2], pools[-1])]
    while len(pools) > _MOST_POINTS or (len(pools) > 1 and min(count for count, _, _ in pools) < _LEAST_GUESSES):
        at = min(range(len(pools) - 1), key=lambda i: pools[i][0] + pools[i + 1][0])
        pools[at : at + 2] = [_joined(pools[at], pools[at + 1])]
    points = tuple((round(total / count, 4), round(right / count, 4)) for count, total, right in pools)
    return points or ((0.0, 0.0), (1.0, 1.0))


def _joined(one: tuple[int, float, float], other: tuple[int, float, float]) -> tuple[int, float, float]:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2]


def _least_chance(samples: Sequence[Sample], table: ConfidenceTable, target: float) -> float:
    """Return the smallest chance from which on the target's share of the shown texts is right.

    The typist accepts what is right, and so never comes to the pauses within it.
    """
    for step in range(_FIRST_STEP, _STEPS):
        verdicts = list(_verdicts(samples, table, step / _STEPS))
        if verdicts and sum(verdicts) >= target * len(verdicts):
            return step / _STEPS
    return 1.0


def _verdicts(samples: Sequence[Sample], table: ConfidenceTable, least: float) -> Iterator[bool]:
    """Yield for each text that is shown from this chance on whether it is right.

    What the typist has typed past is not shown again, and what is left of a text is the same text.
    """
    refused: list[str] = []
    before = accepted_to = 0
    for sample in samples:
        if sample.at <= before:
            refused, accepted_to = [], 0  # another passage, which has a session of its own
        before = sample.at
        if sample.at < accepted_to:
            continue
        rated = [(guess.text, table.chance(sample.place, guess.probability)) for guess in sample.guesses]
        text = best_beginning(rated, least)
        if not text or any(earlier.endswith(text.strip()) for earlier in refused):
            continue
        is_right = any(guess.is_right for guess in sample.guesses if guess.text == text)
        if is_right:
            accepted_to = sample.at + len(text)
        else:
            refused.append(text.strip())
        yield is_right


def table_as_json(table: ConfidenceTable, made: dict[str, Any]) -> str:
    """Return the table as its file holds it; `made` says how it was made."""
    rows = {"made": made, "languages": table.languages, "least": table.least, "chances": table.chances}
    return json.dumps(rows, indent=1) + "\n"
