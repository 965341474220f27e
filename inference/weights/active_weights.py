"""The weights that each token is multiplied with, counted from a config: what a decoded token has to read."""

from collections.abc import Mapping
from dataclasses import dataclass

# Of a value of a matrix, with its share of the scales.
BYTES_PER_VALUE: Mapping[str, float] = {"int8": 1.01, "int5": 0.69, "int4": 0.57}


@dataclass(frozen=True)
class ActiveWeights:
    """Counts of values: those of matrices that take any form, of the output head, and of matrices that stay wide."""

    layers: int
    any_form: int
    head: int  # at least int8
    always_wide: int = 0
    at_least_int5: int = 0

    @property
    def parameters(self) -> int:
        """The number of weights that a token is multiplied with, 2 FLOP each."""
        return self.any_form + self.at_least_int5 + self.head + self.always_wide

    def bytes_in(self, form: str, wide_itemsize: int = 2) -> int:
        """Count the bytes that a token reads when the weights have a form: "wide", "int8" or "int4"."""
        each = {"wide": wide_itemsize, **BYTES_PER_VALUE}
        finer, head = ("int5", "int8") if form == "int4" else (form, form)
        read = self.any_form * each[form] + self.at_least_int5 * each[finer] + self.head * each[head]
        return int(read + self.always_wide * wide_itemsize)
