"""The losses in a run's log, how long the run took, and a plot of several runs.

    python -m training.release.curve --out curve.png stable decayed

draws the loss of training, and that of held-out middles where it was measured, against the tokens seen.
"""

import argparse
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluation.line_chart import Axis, draw_chart
from training.model.checkpoints import run_folder

CURVE_POINTS = 10


@dataclass(frozen=True)
class Point:
    """A point of the curve; `loss` is the mean over the steps since the point before, in nats a token."""

    step: int
    tokens: int
    loss: float


@dataclass(frozen=True)
class Curve:
    """The losses of a run. `hours` counts the steps, without pauses, validation and compiling."""

    points: tuple[Point, ...]
    hours: float
    validation: dict[str, float]  # the last of each kind
    held_out: tuple[Point, ...] = ()  # losses of the middles of held-out packages


def read_curve(log: Path, last_step: int | None = None) -> Curve:
    """The log up to a step. A run that was resumed wrote some steps twice: the later lines count."""
    lines: dict[int, dict[str, Any]] = {}
    validation: dict[str, float] = {}
    for line in log.read_text(encoding="utf-8").splitlines() if log.is_file() else []:
        entry = json.loads(line)
        if last_step is not None and entry["step"] > last_step:
            continue
        validation |= {name: entry[name] for name in entry if name.startswith("val_")}
        if "loss" in entry:
            lines = {step: kept for step, kept in lines.items() if step < entry["step"]}
            lines[entry["step"]] = entry
    points = tuple(Point(step, entry["tokens"], entry["loss"]) for step, entry in lines.items())
    seconds = 0.0
    for before, after in zip((None, *lines.values()), lines.values(), strict=False):
        # A branch begins with the tokens of its origin; all lines but the first have as many steps.
        tokens = after["tokens"] - before["tokens"] if before else 0
        seconds += tokens / after["tok_per_s"]
    held_out = tuple(
        Point(step, entry["tokens"], entry["val_middle"]) for step, entry in lines.items() if "val_middle" in entry
    )
    return Curve(points, seconds / 3600, validation, held_out)


def thin_out(points: tuple[Point, ...], most: int = CURVE_POINTS) -> list[Point]:
    """Return at most `most` points, the last one among them."""
    step = max(1, -(-len(points) // most))
    return list(points[::-1][::step][::-1])


def draw_curves(curves: dict[str, Curve], path: Path) -> None:
    """Write a PNG: two lines for each run. Raises SystemExit where no log has a loss."""
    series = {run: curve.points for run, curve in curves.items()}
    series |= {f"{run}, held-out middles": curve.held_out for run, curve in curves.items()}
    drawn = {name: [(p.tokens / 1e6, p.loss) for p in points] for name, points in series.items() if points}
    if not drawn:
        raise SystemExit(f"no log of {', '.join(curves)} has a loss yet")
    millions = [tokens for points in drawn.values() for tokens, _ in points]
    losses = [loss for points in drawn.values() for _, loss in points]
    x, y = _axis("million tokens", min(millions), max(millions)), _axis("nats a token", min(losses), max(losses))
    draw_chart(path, "Loss of training", x, y, drawn)


def _axis(title: str, low: float, high: float) -> Axis:
    """An axis between two round numbers, with about six ticks."""
    rough = (high - low) / 6 or 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    first, last = math.floor(low / step), math.ceil(high / step)
    ticks = [number * step for number in range(first, last + 1)]
    return Axis(title, ticks[0], ticks[-1], ticks, lambda tick: f"{tick:g}")


def main() -> None:
    """Command line of the curve."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", metavar="RUN", help="name of a run folder")
    parser.add_argument("--out", type=Path, required=True, help="the PNG to write")
    arguments = parser.parse_args()
    draw_curves({run: read_curve(run_folder(run) / "log.jsonl") for run in arguments.runs}, arguments.out)


if __name__ == "__main__":
    main()
