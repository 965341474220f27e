"""Checkpoints of a run: written whole or not at all, the newest two kept.

A checkpoint holds the fp32 parameters, the optimizers' states and the progress. Nothing in
training is random but the initial weights and the documents, and those follow from the seed and
the data position, so no generator state is needed to resume exactly.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import nn

from training.corpus.folders import cache_root
from training.model.shape import ModelShape

KEPT = 2
NAME = re.compile(r"step-(\d{8})\.pt")


@dataclass(frozen=True)
class Progress:
    """The progress of a run. `run_*` count since the run (not its origin) began."""

    step: int = 0
    tokens: int = 0
    next_document: int = 0
    run_steps: int = 0
    run_tokens: int = 0
    run_seconds: float = 0.0
    sequence_tokens: int = 0


def run_folder(run: str) -> Path:
    """The folder of a run: checkpoints, tokenizer, log and the `PAUSE` file."""
    return cache_root() / run


def newest_checkpoint(folder: Path) -> Path | None:
    """The checkpoint with the highest step, or None."""
    found = [path for path in folder.glob("step-*.pt") if NAME.fullmatch(path.name)]
    return max(found, default=None)


def save_checkpoint(
    folder: Path,
    model: nn.Module,
    shape: ModelShape,
    optimizers: Sequence[torch.optim.Optimizer],
    progress: Progress,
) -> Path:
    """Write `step-N.pt` atomically and remove all but the newest two."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"step-{progress.step:08d}.pt"
    partial = target.with_suffix(".partial")
    state = {
        "shape": asdict(shape),
        "progress": asdict(progress),
        "model": model.state_dict(),
        "optimizers": [optimizer.state_dict() for optimizer in optimizers],
    }
    with partial.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(target)
    for old in sorted(folder.glob("step-*.pt"))[:-KEPT]:
        old.unlink()
    return target


def load_weights(path: Path, model: nn.Module) -> Progress:
    """Load only the parameters."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    model.load_state_dict(state["model"])
    return Progress(**state["progress"])


def load_shape(path: Path) -> ModelShape:
    """The shape of the model in the checkpoint."""
    return ModelShape(**torch.load(path, map_location="cpu", weights_only=True)["shape"])


def load_checkpoint(path: Path, model: nn.Module, optimizers: Sequence[torch.optim.Optimizer]) -> Progress:
    """Load parameters and optimizer states; the rates stay those the optimizers were built with."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    model.load_state_dict(state["model"])
    for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
        groups = optimizer.state_dict()["param_groups"]
        optimizer.load_state_dict({"state": saved["state"], "param_groups": groups})
    return Progress(**state["progress"])
