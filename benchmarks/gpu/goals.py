"""The goals of the GPU's step, with what was measured and what the card's own bandwidth and matrix rate allow."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from benchmarks.gpu.models import ModelRow
from inference.weights.default_form import DefaultForm

LITE_NAME = "DeepSeek-Coder-V2-Lite"


@dataclass(frozen=True)
class Goal:
    """A figure to reach on a card: tokens/s or a share of the roofline at least, or milliseconds at most."""

    card: str
    form: DefaultForm
    step: str  # as a ModelRow names it
    context_tokens: int
    unit: Literal["tokens/s", "ms", "of roofline"]
    wanted: float


GOALS = (
    Goal("H100", "wide", "decode", 0, "tokens/s", 350),
    Goal("H100", "int8", "decode", 0, "tokens/s", 600),
    Goal("H100", "wide", "decode", 32768, "of roofline", 0.6),
    Goal("H100", "wide", "+16", 32768, "ms", 15),
    Goal("a card of 24 GB", "int4", "decode", 0, "tokens/s", 150),
)


@dataclass(frozen=True)
class GoalRow:
    """A goal for Lite beside what this card does. `roofline` is the best that any program reaches on it."""

    goal: str
    unit: str
    wanted: float
    found: float | None  # None: it was not measured
    roofline: float | None
    is_reached: bool | None


def compare(rows: Sequence[ModelRow]) -> list[GoalRow]:
    """Return all goals with what the rows say of them."""
    by_step = {(row.form, row.what, row.context_tokens): row for row in rows if row.model == LITE_NAME}
    return [_compare(goal, by_step.get((goal.form, goal.step, goal.context_tokens))) for goal in GOALS]


def _compare(goal: Goal, row: ModelRow | None) -> GoalRow:
    form = "bf16" if goal.form == "wide" else goal.form
    words = f"{goal.card}: Lite {form} {goal.step} behind {goal.context_tokens:,}"
    if row is None:
        return GoalRow(words, goal.unit, goal.wanted, None, None, None)
    if goal.unit == "ms":
        return GoalRow(words, goal.unit, goal.wanted, row.time_ms, row.least_ms, row.time_ms < goal.wanted)
    found, roofline = row.share, 1.0
    if goal.unit == "tokens/s":
        found, roofline = row.tokens_per_s, row.tokens_per_s / row.share
    return GoalRow(words, goal.unit, goal.wanted, found, roofline, found >= goal.wanted)
