"""Says which matrices of an int4 model are more precise than int4. Imports no torch."""

from typing import Literal

# The codes of dense models that are narrower than this have five bits: few columns make up for one another's errors.
NARROW = 1024


def layer_form(hidden_size: int) -> Literal["int5", "int4"]:
    """Return the form of the matrices in the layers of a dense model."""
    return "int5" if hidden_size < NARROW else "int4"


def embedding_form(hidden_size: int, is_head: bool) -> Literal["int8", "int5", "int4"]:
    """Return the form of the embedding. A head is int8, because its errors reach the logits directly."""
    return "int8" if is_head else layer_form(hidden_size)
