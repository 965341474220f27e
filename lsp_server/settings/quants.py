"""The forms in which weights may be kept. The command line imports this module instead of all settings."""

from typing import Literal, get_args

Quant = Literal["auto", "none", "int8", "int4"]
QUANTS: tuple[Quant, ...] = get_args(Quant)
