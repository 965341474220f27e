"""A plot of the needle suite: the score over the length of the context, one line for each model.

    python -m evaluation.needle_plot OUT.png RESULT.json [RESULT.json ...]

A result is the output of `midspan eval needle --json`.
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

from evaluation.needle import LENGTHS, label_of
from midspan import SettingsError

try:
    from evaluation.line_chart import Axis, Points, draw_chart
except ImportError as error:
    raise SettingsError(
        "A plot needs pillow: pip install 'midspan[eval]'. The JSON and the table are written."
    ) from error


def plot_scores(points_of: Mapping[str, Points], path: Path) -> None:
    """Write the PNG. Lengths without results have no point."""
    x = Axis("context, tokens", LENGTHS[0], LENGTHS[-1], LENGTHS, lambda tokens: label_of(int(tokens)), True)
    y = Axis("right", 0.0, 1.0, (0.0, 0.25, 0.5, 0.75, 1.0), lambda share: f"{share:.0%}")
    draw_chart(path, "A needle in a repository", x, y, points_of)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("results", type=Path, nargs="+")
    arguments = parser.parse_args()
    found = [json.loads(path.read_text(encoding="utf-8")) for path in arguments.results]
    plot_scores({result["model"]: result["points"] for result in found}, arguments.out)


if __name__ == "__main__":
    main()
