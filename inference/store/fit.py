"""Which form of a model fits a memory; told before its weights are here, so from their number alone."""

from collections.abc import Mapping

# int8 has a scale for each row; int4 a scale and a zero for each 32 values, and keeps embeddings and head in int8.
BYTES_PER_PARAMETER: Mapping[str, float] = {"bf16": 2.0, "int8": 1.01, "int4": 0.66}


def widest_that_fits(parameters: int, budget_bytes: int) -> str | None:
    """ "bf16", "int8" or "int4"; None: not even int4 fits."""
    fitting = (form for form, bytes_each in BYTES_PER_PARAMETER.items() if parameters * bytes_each <= budget_bytes)
    return next(fitting, None)
