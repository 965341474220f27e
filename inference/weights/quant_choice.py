"""Which form a model's weights take here, and where they are loaded from."""

import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import torch

from inference.weights.checkpoint import Checkpoint, ShapeRecorder
from inference.weights.machine_memory import GIB, weights_budget_bytes
from inference.weights.matrix import Quant
from inference.weights.quantized_copy import QuantizedCopy
from midspan import ModelError

log = logging.getLogger(__name__)

QuantSetting = Literal["auto", "none", "int8", "int4"]
BY_PRECISION: tuple[Quant, ...] = ("wide", "int8", "int4")


def choose_quant(sizes_bytes: Mapping[Quant, int], budget_bytes: int) -> Quant:
    """The most precise form that fits; the smallest when none does."""
    fitting = [quant for quant in BY_PRECISION if sizes_bytes[quant] <= budget_bytes]
    return fitting[0] if fitting else BY_PRECISION[-1]


def find_weights(
    folder: Path, wanted: ShapeRecorder, dtype: torch.dtype, setting: QuantSetting
) -> tuple[Path, Quant, bool]:
    """The folder to load from, the form to use, and whether the load itself must still make it.

    Raises ModelError when the folder does not hold what is wanted, or cannot be had in the form that is set.
    """
    with Checkpoint(folder, dtype, torch.device("cpu")) as checkpoint:
        checkpoint.require(wanted)
        stored = checkpoint.stored_form(wanted)
    if stored != "wide":
        if setting not in ("auto", stored):
            raise ModelError(
                f"{folder}: its weights are stored as {stored}, and {setting} can only be made from wider ones; "
                f"leave quant out, or fetch the model's own weights"
            )
        return folder, stored, False
    quant = _choose(folder, wanted.sizes_bytes(dtype.itemsize), setting)
    if quant == "wide":
        return folder, quant, False
    copy = QuantizedCopy(folder, quant, wanted, dtype)
    if _is_usable(copy) or copy.make():
        return copy.folder, quant, False
    return folder, quant, True


def _choose(folder: Path, sizes_bytes: Mapping[Quant, int], setting: QuantSetting) -> Quant:
    if setting != "auto":
        return "wide" if setting == "none" else setting
    budget_bytes = weights_budget_bytes()
    quant = choose_quant(sizes_bytes, budget_bytes)
    if sizes_bytes[quant] > budget_bytes:
        need, have = sizes_bytes[quant] / GIB, budget_bytes / GIB
        log.warning(
            "%s: its weights take %.1f GiB as %s and %.1f can be spared; take a smaller model",
            folder,
            need,
            quant,
            have,
        )
    return quant


def _is_usable(copy: QuantizedCopy) -> bool:
    if not copy.is_whole:
        return False
    try:
        with Checkpoint(copy.folder, copy.dtype, torch.device("cpu")) as checkpoint:
            checkpoint.require(copy.wanted)
    except ModelError as error:
        log.warning("what was kept is made again: %s", error)
        shutil.rmtree(copy.folder, ignore_errors=True)
        return False
    return True
