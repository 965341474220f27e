"""The table that turns a model's own probabilities into the chance that a text at a cursor is right.

`midspan eval calibration` writes it into the model's folder. A model without one has the shipped table of its
architecture, or is taken at its word.
"""

import logging
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, get_args

from inference.model_files import CONFIDENCE_FILE, CONFIG_FILE, has_file, parse_json, read_json
from lsp_server.settings.values import EAGERNESS, Eagerness
from midspan import ModelError

_log = logging.getLogger(__name__)

# The place of a cursor: before the first word of its line, behind a begun or finished word, or behind anything else.
Place = Literal["start", "word", "inside"]
PLACES: tuple[Place, ...] = get_args(Place)
Points = tuple[tuple[float, float], ...]
_SHIPPED = Path(__file__).with_name("tables")
_MOST_BYTES = 1 << 16


@dataclass(frozen=True)
class ConfidenceTable:
    """`chances` has for each place points of a probability and the share of such texts that are right, both rising.

    `least` is the chance from which on a text is shown. `languages` are those that the model writes; None: any.
    """

    chances: Mapping[Place, Points]
    least: Mapping[Eagerness, float]
    languages: tuple[str, ...] | None = None

    def chance(self, place: Place, probability: float) -> float:
        """Return the chance that a text is right to which the model gives this probability."""
        points = self.chances[place]
        above = bisect_right(points, probability, key=lambda point: point[0])
        if above == 0:
            return points[0][1]
        if above == len(points):
            return points[-1][1]
        (low, at_low), (high, at_high) = points[above - 1], points[above]
        return at_low + (at_high - at_low) * (probability - low) / (high - low)

    def least_probability(self, place: Place, eagerness: Eagerness) -> float:
        """Return the probability below which no text is shown at a place; 1 where no text is sure enough."""
        least, points = self.least[eagerness], self.chances[place]
        if points[0][1] >= least:
            return 0.0
        for (low, at_low), (high, at_high) in pairwise(points):
            if at_high >= least:
                return low + (high - low) * (least - at_low) / (at_high - at_low)
        return 1.0

    def writes(self, language: str) -> bool:
        """Return whether the model has learned this language."""
        return self.languages is None or language in self.languages


# Of 13,000 beginnings of texts that the built-in model wrote, those of a probability were right in just that share.
UNCALIBRATED = ConfidenceTable(
    dict.fromkeys(PLACES, ((0.0, 0.0), (1.0, 1.0))), {"low": 0.6, "medium": 0.45, "high": 0.25}
)


@lru_cache(maxsize=8)
def confidence_table(folder: Path | None) -> ConfidenceTable:
    """Return the table of the model in this folder; None is a server's model. A table that is broken is told of."""
    if folder is None:
        return UNCALIBRATED
    try:
        if has_file(folder, CONFIDENCE_FILE):
            return parse_table(read_json(folder, CONFIDENCE_FILE, _MOST_BYTES), folder / CONFIDENCE_FILE)
        shipped = _SHIPPED / f"{_architecture(folder)}.json"
        return parse_table(parse_json(shipped.read_bytes(), shipped), shipped) if shipped.is_file() else UNCALIBRATED
    except ModelError as error:
        _log.warning("The table of confidence is left out: %s", error)
        return UNCALIBRATED


def _architecture(folder: Path) -> str:
    """Return the architecture and its shape, by which a table is shipped. Raises ModelError."""
    if not has_file(folder, CONFIG_FILE):
        return ""
    config = read_json(folder, CONFIG_FILE, _MOST_BYTES)
    words = [str(config.get(name)) for name in ("model_type", "num_hidden_layers", "hidden_size")]
    return "-".join(words) if all(word.isalnum() for word in words) else ""


def parse_table(found: Mapping[str, Any], path: Path) -> ConfidenceTable:
    """Read a table as JSON has it. Raises ModelError."""
    try:
        chances = {place: _points(found["chances"][place]) for place in PLACES}
        least = {word: _share(found["least"][word]) for word in EAGERNESS}
        languages = found.get("languages")
        return ConfidenceTable(chances, least, None if languages is None else tuple(map(str, languages)))
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"{path}: is no table of confidence ({error!r}); have `midspan eval calibration` write it"
        ) from error


def _points(rows: Sequence[Sequence[float]]) -> Points:
    points = tuple((_share(probability), _share(chance)) for probability, chance in rows)
    is_rising = all(first[0] < second[0] and first[1] <= second[1] for first, second in pairwise(points))
    if not points or not is_rising:
        raise ValueError("the points do not rise")
    return points


def _share(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError(f"{value!r} is no share")
    return float(value)
