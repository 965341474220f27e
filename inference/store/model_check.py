"""Checks that a folder is a model that will load, before the folder enters the store."""

from pathlib import Path

from inference.models.architecture import parse_config
from inference.models.config_json import read_config_json
from inference.prompts.families import family_of
from inference.prompts.tokenizer import Tokenizer
from midspan import ModelError


def check_model(folder: Path, source: str) -> None:
    """Check names, shapes and vocabulary without reading a weight. Imports torch. ModelError names the source."""
    import torch

    from inference.loader import wanted_tensors
    from inference.weights.checkpoint import Checkpoint

    try:
        config = read_config_json(folder)
        family = family_of(config.get("model_type"), folder)
        shape = parse_config(config, family, folder / "config.json")
        tokens = Tokenizer(folder, family).vocab_size
        if tokens > shape.vocab_size:
            raise ModelError(f"{folder}: tokenizer.json has {tokens} tokens and config.json {shape.vocab_size}")
        with Checkpoint(folder, torch.float32, torch.device("cpu")) as checkpoint:
            checkpoint.require(wanted_tensors(shape))
    except ModelError as error:
        raise ModelError(str(error).replace(str(folder), source)) from error
