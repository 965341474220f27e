"""Chooses the form of a model's weights for a user who has not chosen one. Imports no torch."""

from collections.abc import Callable, Mapping
from typing import Literal

DefaultForm = Literal["wide", "int8", "int4"]

# A model whose wide weights are smaller than this stays as it is: nobody waits for it.
TINY_BYTES = 64 << 20
# A suggestion has some 10 to 20 tokens, so with this a user waits about half a second for one.
MOST_TOKEN_MS = 40.0


def choose_form(
    sizes_bytes: Mapping[DefaultForm, int], budget_bytes: int, token_ms: Callable[[DefaultForm], float]
) -> DefaultForm:
    """Choose by the wait for a token: int8 while that is short and int8 fits, else int4.

    `token_ms` estimates the time of a token; it may take long, and is not asked about a tiny model.
    """
    if sizes_bytes["wide"] <= min(TINY_BYTES, budget_bytes):
        return "wide"
    if sizes_bytes["int8"] <= budget_bytes and token_ms("int8") <= MOST_TOKEN_MS:
        return "int8"
    return "int4"
