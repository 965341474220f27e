"""Chooses the form of a model's weights on this machine, and the folder to load them from."""

import logging
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import torch

from inference.api import QuantSetting
from inference.weights.checkpoint import Checkpoint, ShapeRecorder
from inference.weights.default_form import DefaultForm, choose_form
from inference.weights.machine_memory import GIB, weights_budget_bytes
from inference.weights.matrix import Quant
from inference.weights.quantize import RunModel
from inference.weights.quantized_copy import QuantizedCopy
from midspan import ModelError

log = logging.getLogger(__name__)

TokenMs = Callable[[Quant], float]


def find_weights(
    folder: Path,
    wanted: ShapeRecorder,
    dtype: torch.dtype,
    setting: QuantSetting,
    run: RunModel,
    token_ms: TokenMs,
    is_native: bool = False,
) -> tuple[Path, Quant, bool]:
    """Return the folder to load from, the form of the weights, and whether loading still has to quantize them.

    `run` runs the model over the text that int4 is made for. `token_ms` estimates the time of a token in a form, for a
    choice that is left to us. `is_native` wants quantized weights in the layout of the native step, which only a copy
    has.
    Raises ModelError when the folder lacks wanted tensors, or cannot be used in the form that is set.
    """
    with Checkpoint(folder, dtype, torch.device("cpu")) as checkpoint:
        checkpoint.require(wanted)
        stored = checkpoint.stored_form(wanted)
        forms = {name: form for name in wanted.matrices if (form := checkpoint.stored_quant(name)) != "wide"}
    if stored != "wide":
        if setting not in ("auto", stored):
            raise ModelError(
                f"{folder}: its weights are stored as {stored}, and {setting} can only be made from wider ones; "
                f"leave quant out, or fetch the model's own weights"
            )
        if not is_native:
            return folder, stored, False
    quant = stored if stored != "wide" else _choose(folder, wanted.sizes_bytes(dtype.itemsize), setting, token_ms)
    if quant == "wide":
        return folder, quant, False
    copy = QuantizedCopy(folder, quant, wanted, dtype, run, is_native, forms)
    if _is_usable(copy) or copy.make():
        return copy.folder, quant, False
    return folder, quant, True


def _choose(
    folder: Path, sizes_bytes: Mapping[DefaultForm, int], setting: QuantSetting, token_ms: TokenMs
) -> DefaultForm:
    if setting != "auto":
        return "wide" if setting == "none" else setting
    budget_bytes = weights_budget_bytes()
    quant = choose_form(sizes_bytes, budget_bytes, token_ms)
    if sizes_bytes[quant] > budget_bytes:
        need, have = sizes_bytes[quant] / GIB, budget_bytes / GIB
        log.warning(
            "%s: its weights take %.1f GiB as %s and only %.1f GiB are free for them; take a smaller model",
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
            checkpoint.require_shapes({entry.name: entry.shape for entry in copy.entries()})
    except ModelError as error:
        log.warning("a kept copy of quantized weights is made again: %s", error)
        shutil.rmtree(copy.folder, ignore_errors=True)
        return False
    return True
