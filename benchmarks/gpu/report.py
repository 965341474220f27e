"""The result of a run: a table for people, and JSON."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.gpu.check import KernelRow
from benchmarks.gpu.clock import Roofline
from benchmarks.gpu.goals import GoalRow, compare
from benchmarks.gpu.models import ModelRow


@dataclass
class Report:
    """All that a run has found on one card. `left_out` says what was not measured, and why."""

    card: str
    versions: dict[str, str]
    seed: int
    roofline: Roofline
    kernels: list[KernelRow] = field(default_factory=list)
    models: list[ModelRow] = field(default_factory=list)
    peers: dict[str, float | str] = field(default_factory=dict)  # milliseconds of a step, or why there are none
    left_out: list[str] = field(default_factory=list)

    @property
    def wrong(self) -> list[str]:
        return [row.name for row in self.kernels if not row.is_right]

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "goals": [asdict(row) for row in self.goals], "wrong": self.wrong}

    @property
    def goals(self) -> list[GoalRow]:
        return compare(self.models)

    def in_words(self) -> str:
        lines = [
            f"{self.card}: a copy moves {self.roofline.bytes_per_s / 1e9:,.0f} GB/s, "
            f"a product of bf16 matrices reaches {self.roofline.flop_per_s / 1e12:,.0f} TFLOP/s (seed {self.seed})",
            "",
            *_table(
                ("kernel", "error", "us", "MB", "MFLOP", "GB/s", "TFLOP/s", "share", "of the"),
                [
                    (
                        row.name,
                        f"{row.error:.4f}{'' if row.is_right else ' WRONG'}",
                        f"{row.time_us:,.1f}",
                        f"{row.moved_bytes / 1e6:,.2f}",
                        f"{row.flop / 1e6:,.0f}",
                        f"{row.bytes_per_s / 1e9:,.0f}",
                        f"{row.flop_per_s / 1e12:,.1f}",
                        f"{row.share:.0%}",
                        row.bound,
                    )
                    for row in self.kernels
                ],
            ),
            "",
            *_table(
                ("model", "weights", "step", "context", "ms", "tokens/s", "least ms", "of roofline"),
                [
                    (
                        row.model,
                        row.form,
                        row.what,
                        f"{row.context_tokens:,}",
                        f"{row.time_ms:,.2f}",
                        f"{row.tokens_per_s:,.0f}",
                        f"{row.least_ms:,.2f}",
                        f"{row.share:.0%}",
                    )
                    for row in self.models
                ],
            ),
            "",
            *_table(("goal", "unit", "wanted", "found", "roofline", ""), [_goal(row) for row in self.goals]),
            "",
            *(f"transformers, {name}: {_peer(found)}" for name, found in self.peers.items()),
            *(f"not measured: {line}" for line in self.left_out),
            f"WRONG: {', '.join(self.wrong)}" if self.wrong else "Every kernel that was run agrees with its reference.",
        ]
        return "\n".join(lines)


def _goal(row: GoalRow) -> tuple[str, ...]:
    digits = 0 if row.unit == "tokens/s" else 2
    found, roofline = (f"{each:,.{digits}f}" if each is not None else "-" for each in (row.found, row.roofline))
    told = {None: "not measured", True: "reached", False: "not reached"}[row.is_reached]
    return row.goal, row.unit, f"{row.wanted:,.{digits}f}", found, roofline, told


def _peer(found: float | str) -> str:
    return found if isinstance(found, str) else f"{found:,.2f} ms"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    return [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in (head, *rows)
    ]
