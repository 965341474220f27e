"""Checks that a folder is a model that will load, before the folder enters the store."""

from collections.abc import Mapping
from pathlib import Path

from inference.models.description import ModelDescription, read_description
from inference.prompts.tokenizer import Tokenizer
from inference.weights.progress import show_progress
from midspan import ModelError


def check_model(folder: Path, source: str) -> None:
    """Check config, vocabulary, names, shapes and that each weight is finite. Imports torch.

    Raises ModelError, which names the source.
    """
    try:
        description = check_text_files(folder)
        import torch  # here: it takes seconds, and most folders that are wrong are refused before

        from inference.loader import wanted_tensors
        from inference.weights.checkpoint import Checkpoint

        with (
            Checkpoint(folder, torch.float32, torch.device("cpu")) as checkpoint,
            show_progress(f"reading {folder.name}", None) as progress,
        ):
            checkpoint.require(wanted_tensors(description.config, checkpoint.tensor_count, folder))
            checkpoint.read_all(progress)
    except ModelError as error:
        raise ModelError(str(error).replace(str(folder), source)) from error


def check_shapes(folder: Path, found: Mapping[str, tuple[int, ...]], source: str) -> None:
    """Check config, vocabulary, and the names and shapes of tensors that are not written yet. Imports torch.

    Raises ModelError, which names the source.
    """
    try:
        description = check_text_files(folder)
        from inference.loader import wanted_tensors
        from inference.weights.checkpoint import differences

        wanted = wanted_tensors(description.config, len(found), folder)
        if problems := differences(wanted.shapes, found):
            raise ModelError(f"{folder}: the weights do not fit its metadata: {problems}")
    except ModelError as error:
        raise ModelError(str(error).replace(str(folder), source)) from error


def check_text_files(folder: Path) -> ModelDescription:
    """Check config.json and tokenizer.json. Raises ModelError."""
    description = read_description(folder)
    tokens = Tokenizer(folder, description.family).vocab_size
    if tokens > description.config.vocab_size:
        raise ModelError(
            f"{folder}: tokenizer.json has {tokens} tokens and config.json {description.config.vocab_size}"
        )
    return description
