"""The learned weights of the copy distribution, which a model's folder has in copying.json.

`python -m training.release.fit_copying` writes it. A model without one copies nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference.copying.continuations import LONGEST_SUFFIX_TOKENS, Continuations
from inference.model_files import has_file, read_json
from midspan import ModelError

COPYING_FILE = "copying.json"
MOST_WEIGHT = 0.98  # the model always has a say
_MOST_BYTES = 1 << 16
# Of a document that stands alone, fewer tokens are little text, such as a function. A suffix stands there again by
# chance more often than because the code repeats itself, however many of its few places agree.
LITTLE_TEXT_TOKENS = 768
_FEW, _SHARED = 4, 0.5
IN_LITTLE_TEXT = 3

# The tokens of the suffix; its places: one, few, more, or any in little text; the share of them that agree: less than
# half (or any in little text), most or all.
Bucket = tuple[int, int, int]


def bucket_of(found: Continuations, *, in_little_text: bool) -> Bucket:
    """Return the bucket of continuations: those of one bucket are right about equally often."""
    if in_little_text:
        return found.suffix_tokens, IN_LITTLE_TEXT, 0
    seen, commonest = found.seen, max(found.counts)
    places = 0 if seen == 1 else 1 if seen <= _FEW else 2
    agreement = 2 if commonest == seen else 1 if commonest >= _SHARED * seen else 0
    return found.suffix_tokens, places, agreement


BUCKETS: tuple[Bucket, ...] = tuple(
    (length, places, agreement)
    for length in range(1, LONGEST_SUFFIX_TOKENS + 1)
    for places, agreement in ((0, 2), (1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2), (IN_LITTLE_TEXT, 0))
)


@dataclass(frozen=True)
class CopyWeights:
    """The weight of the copy distribution in each bucket, from 0 to MOST_WEIGHT."""

    weights: Mapping[Bucket, float]

    def weight(self, found: Continuations, *, in_little_text: bool) -> float:
        """Return the weight of continuations."""
        return self.weights[bucket_of(found, in_little_text=in_little_text)]


def read_copy_weights(folder: Path) -> CopyWeights | None:
    """Read the weights of the model in this folder; None: it has none. Raises ModelError."""
    if not has_file(folder, COPYING_FILE):
        return None
    return parse_copy_weights(read_json(folder, COPYING_FILE, _MOST_BYTES), folder / COPYING_FILE)


def parse_copy_weights(found: Mapping[str, Any], path: Path) -> CopyWeights:
    """Read the weights as JSON has them: `[suffix tokens, places, agreement, weight]`. Raises ModelError."""
    try:
        weights = {(length, places, share): _weight(weight) for length, places, share, weight in found["weights"]}
        return CopyWeights({bucket: weights[bucket] for bucket in BUCKETS})
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"{path}: has no weights for copying ({error!r}); remove it, or have `python -m "
            f"training.release.fit_copying` write it"
        ) from error


def _weight(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST_WEIGHT:
        raise ValueError(f"{value!r} is no weight")
    return float(value)
