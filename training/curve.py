"""What a run's log says: its losses on the way, and how long it took."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CURVE_POINTS = 10


@dataclass(frozen=True)
class Point:
    """Mean loss of the steps before it, in nats a token."""

    step: int
    tokens: int
    loss: float


@dataclass(frozen=True)
class Curve:
    """`hours` are those of the steps; pauses, validation and compiling are not in them."""

    points: tuple[Point, ...]
    hours: float
    validation: dict[str, float]


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
    return Curve(points, seconds / 3600, validation)


def thin_out(points: tuple[Point, ...], most: int = CURVE_POINTS) -> list[Point]:
    """At most so many points, the last one with them."""
    step = max(1, -(-len(points) // most))
    return list(points[::-1][::step][::-1])
