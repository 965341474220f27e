"""The forms of weights and of the prefix cache. The command line imports this module instead of all settings."""

from typing import Literal, get_args

Quant = Literal["auto", "none", "int8", "int4"]
QUANTS: tuple[Quant, ...] = get_args(Quant)

# The types of the cached keys and values.
CacheDtype = Literal["auto", "int8"]
CACHE_DTYPES: tuple[CacheDtype, ...] = get_args(CacheDtype)
