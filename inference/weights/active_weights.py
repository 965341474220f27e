"""The weights that each token is multiplied with, counted from a config: what a decoded token has to read."""

from collections.abc import Mapping
from dataclasses import dataclass

# Of a value of a matrix, with its share of the scales.
BYTES_PER_VALUE: Mapping[str, float] = {"int8": 1.01, "int5": 0.69, "int4": 0.57}


@dataclass(frozen=True)
class ActiveWeights:
    """Counts of values: those of matrices that take any form, of the output head, and of the projections of latents."""

    layers: int
    any_form: int
    head: int  # at least int8
    at_least_int5: int = 0
    latent: int = 0  # at least int8

    @property
    def parameters(self) -> int:
        """The number of weights that a token is multiplied with, 2 FLOP each."""
        return self.any_form + self.at_least_int5 + self.head + self.latent

    def bytes_in(self, form: str, wide_itemsize: int = 2) -> int:
        """Count the bytes of these weights in a form: "wide", "int8" or "int4"."""
        each = {"wide": wide_itemsize, **BYTES_PER_VALUE}
        finer, precise = ("int5", "int8") if form == "int4" else (form, form)
        read = self.any_form * each[form] + self.at_least_int5 * each[finer]
        return int(read + (self.head + self.latent) * each[precise])

    def bytes_decoded(self, form: str) -> int:
        """Count the bytes that the native step reads for a token: half of a head in int8."""
        return self.bytes_in(form) - (0 if form == "wide" else int(self.head * BYTES_PER_VALUE["int8"] / 2))
