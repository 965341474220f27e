"""Chooses the form of a model that fits a memory by its number of parameters, before it is fetched."""

from collections.abc import Mapping

# int8 has a scale for each row. int4 has a scale and a zero for each 32 values, and keeps embedding and head in int8.
BYTES_PER_PARAMETER: Mapping[str, float] = {"bf16": 2.0, "int8": 1.01, "int4": 0.66}


def widest_that_fits(parameters: int, budget_bytes: int) -> str | None:
    """Return "bf16", "int8" or "int4"; None: not even int4 fits."""
    fitting = (form for form, bytes_each in BYTES_PER_PARAMETER.items() if parameters * bytes_each <= budget_bytes)
    return next(fitting, None)
