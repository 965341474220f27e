"""The conversion between a checkpoint's parameters and the tensors of the released format, both ways."""

import json
from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path

import torch
from safetensors import safe_open
from tokenizers import Tokenizer
from torch import Tensor

from training.model.checkpoints import Progress
from training.model.deepseek_v2 import Model
from training.model.shape import ModelShape

BUILTIN = Path(__file__).parents[2] / "inference" / "builtin"
WEIGHTS = "model.safetensors"
PROGRESS = "training_progress"  # in the header of the weights
STACKED = (".mlp.experts.gate_proj", ".mlp.experts.up_proj", ".mlp.experts.down_proj")


def released_tensors(model: Model, dtype: torch.dtype) -> dict[str, Tensor]:
    """The parameters under the released names, experts apart, no head (it is the embedding)."""
    tensors: dict[str, Tensor] = {}
    for name, value in model.state_dict().items():
        if name.endswith(STACKED):
            tensors |= zip(_expert_names(name, len(value)), value, strict=True)
        else:
            tensors[f"model.{name}"] = value
    return {name: value.to(dtype).contiguous() for name, value in tensors.items()}


def _expert_names(name: str, experts: int) -> Iterator[str]:
    layer, projection = name.rsplit(".", 1)
    return (f"model.{layer}.{expert}.{projection}.weight" for expert in range(experts))


def progress_header(progress: Progress) -> dict[str, str]:
    """The header of the weights, from which training can go on without a checkpoint."""
    return {"format": "pt", PROGRESS: json.dumps(asdict(progress))}


def has_shape(folder: Path, shape: ModelShape) -> bool:
    """Return whether the folder has a released model of exactly this shape."""
    path = folder / "config.json"
    if not path.is_file():
        return False
    config = json.loads(path.read_text(encoding="utf-8"))
    return all(config.get(field.name) == getattr(shape, field.name) for field in fields(shape))


def load_release(folder: Path, model: Model) -> Progress:
    """Set the parameters to the released weights; return the progress of their run. The optimizers begin anew."""
    state: dict[str, Tensor] = {}
    with safe_open(folder / WEIGHTS, "pt") as file:
        progress = Progress(**json.loads(file.metadata()[PROGRESS]))
        for name, value in model.state_dict().items():
            if name.endswith(STACKED):
                state[name] = torch.stack([file.get_tensor(expert) for expert in _expert_names(name, len(value))])
            else:
                state[name] = file.get_tensor(f"model.{name}")
    model.load_state_dict(state)
    return progress


def text_only_tokenizer(folder: Path) -> Tokenizer:
    """The released tokenizer without its sentinels, as the training text is encoded."""
    spelled = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    return Tokenizer.from_str(json.dumps(spelled | {"added_tokens": []}))
