"""A chart has its points at the right places."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from evaluation.line_chart import Axis, draw_chart
from evaluation.needle_plot import plot_scores

FIRST_COLOUR = (0, 114, 178)


def coloured(path: Path) -> NDArray[np.int64]:
    """The places, left and top, of the pixels in the first line's colour, without those of the legend."""
    with Image.open(path) as chart:
        pixels = np.asarray(chart.convert("RGB"), dtype=int)
    like_it = np.abs(pixels - FIRST_COLOUR).sum(axis=2) < 40
    like_it[:90, 640:] = False
    return np.argwhere(like_it)[:, ::-1]


def middle_of(path: Path, points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    axis = Axis("x", 1, 16, (1, 4, 16), str, is_logarithmic=True)
    draw_chart(path, "chart", axis, Axis("y", 0, 1, (0, 1), str), {"a": points})
    left, top = coloured(path).mean(axis=0)
    return float(left), float(top)


def test_a_higher_score_is_higher_and_a_greater_length_further_right(tmp_path: Path) -> None:
    path = tmp_path / "chart.png"
    low_left, low_top = middle_of(path, [(2, 0.2)])
    high_left, high_top = middle_of(path, [(2, 0.6)])
    right_left, right_top = middle_of(path, [(8, 0.2)])
    assert abs(low_left - high_left) < 1
    assert low_top - high_top > 100
    assert abs(right_top - low_top) < 1
    middle_left, _ = middle_of(path, [(4, 0.2)])
    assert abs((low_left + right_left) / 2 - middle_left) < 1  # the axis is logarithmic


def test_a_plot_of_two_models_is_a_small_png(tmp_path: Path) -> None:
    path = tmp_path / "needle.png"
    plot_scores({"one": [[1024, 1.0], [16384, 0.5]], "other": [[1024, 0.0]]}, path)
    assert path.stat().st_size < 100_000
    assert coloured(path)[:, 1].min() < 150
