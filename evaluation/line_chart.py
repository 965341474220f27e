"""A small line chart as PNG, drawn by pillow: one wheel without dependencies, where matplotlib brings nine."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

Points = Sequence[Sequence[float]]  # x and y of each

_WIDTH, _HEIGHT = 900, 500
_LEFT, _RIGHT, _TOP, _BOTTOM = 80, 30, 56, 64
_INK, _GRID, _PAPER = (40, 40, 40), (225, 225, 225), (255, 255, 255)
# Okabe and Ito's colours, which the colour-blind tell apart.
COLOURS = ((0, 114, 178), (213, 94, 0), (0, 158, 115), (204, 121, 167), (230, 159, 0))
_TEXT_PIXELS = 15
_SCALE = 2  # the chart is drawn larger and made smaller, for smooth lines


@dataclass(frozen=True)
class Axis:
    """An axis from `low` to `high`; `ticks` are marked, and `label` writes them."""

    title: str
    low: float
    high: float
    ticks: Sequence[float]
    label: Callable[[float], str]
    is_logarithmic: bool = False

    def share(self, value: float) -> float:
        """The position of a value on the axis, from 0 to 1."""
        if self.is_logarithmic:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


def draw_chart(path: Path, title: str, x: Axis, y: Axis, series: Mapping[str, Points]) -> None:
    """Write the chart; the legend names every line."""
    image = Image.new("RGB", (_WIDTH * _SCALE, _HEIGHT * _SCALE), _PAPER)
    pen = ImageDraw.Draw(image)
    font = ImageFont.load_default(_TEXT_PIXELS * _SCALE)
    _draw_grid(pen, font, title, x, y)
    for number, (name, points) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        places = [_place(x.share(point[0]), y.share(point[1])) for point in points]
        pen.line(places, fill=colour, width=2 * _SCALE, joint="curve")
        if len(places) <= 40:
            for left, top in places:
                pen.circle((left, top), 4 * _SCALE, fill=colour)
        row = (_TOP + 14 + 22 * number) * _SCALE
        right = (_WIDTH - _RIGHT - 12) * _SCALE
        pen.text((right, row), name, fill=colour, font=font, anchor="rm")
    image.resize((_WIDTH, _HEIGHT), Image.Resampling.LANCZOS).quantize(64, Image.Quantize.MAXCOVERAGE).save(
        path, optimize=True
    )


def _place(x_share: float, y_share: float) -> tuple[float, float]:
    """Pixels from the shares of the axes; points beyond an axis are moved to its end."""
    x_share, y_share = min(1.0, max(0.0, x_share)), min(1.0, max(0.0, y_share))
    left = _LEFT + x_share * (_WIDTH - _LEFT - _RIGHT)
    top = _TOP + (1 - y_share) * (_HEIGHT - _TOP - _BOTTOM)
    return left * _SCALE, top * _SCALE


def _draw_grid(
    pen: ImageDraw.ImageDraw, font: "ImageFont.FreeTypeFont | ImageFont.ImageFont", title: str, x: Axis, y: Axis
) -> None:
    for tick in x.ticks:
        place = _place(x.share(tick), 0)
        pen.line([place, _place(x.share(tick), 1)], fill=_GRID, width=_SCALE)
        pen.text((place[0], place[1] + 8 * _SCALE), x.label(tick), fill=_INK, font=font, anchor="ma")
    for tick in y.ticks:
        place = _place(0, y.share(tick))
        pen.line([place, _place(1, y.share(tick))], fill=_GRID, width=_SCALE)
        pen.text((place[0] - 8 * _SCALE, place[1]), y.label(tick), fill=_INK, font=font, anchor="rm")
    pen.line([_place(0, 1), _place(0, 0), _place(1, 0)], fill=_INK, width=_SCALE)
    middle = (_LEFT + _WIDTH - _RIGHT) / 2 * _SCALE
    pen.text((middle, 16 * _SCALE), title, fill=_INK, font=font, anchor="ma")
    pen.text((middle, (_HEIGHT - 12) * _SCALE), x.title, fill=_INK, font=font, anchor="ms")
    pen.text((10 * _SCALE, (_TOP - 14) * _SCALE), y.title, fill=_INK, font=font, anchor="lm")
