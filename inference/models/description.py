"""The description of a model by its config.json and its control tokens: its family, its identity and its shape."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference.copying.weights import CopyWeights, read_copy_weights
from inference.model_files import CONFIG_FILE
from inference.models.architecture import ModelConfig, parse_config
from inference.models.config_json import read_config_json
from inference.models.identity import ModelIdentity, parse_identity
from inference.prompts.families import Family, family_of
from inference.prompts.tokenizer_file import read_controls


@dataclass(frozen=True)
class ModelDescription:
    """A model folder as its files describe it, each number within its range."""

    family: Family
    identity: ModelIdentity
    config: ModelConfig
    copy_weights: CopyWeights | None = None  # None: it copies nothing


def read_description(folder: Path) -> ModelDescription:
    """Read a folder's config.json, control tokens and weights for copying. Raises ModelError: what is wrong."""
    raw = read_config_json(folder)
    family = _family(raw, folder)
    identity, config = parse_identity(raw, folder, family), parse_config(raw, folder / CONFIG_FILE)
    return ModelDescription(family, identity, config, read_copy_weights(folder))


def read_family(folder: Path) -> Family:
    """Read the family of a folder's model alone. Raises ModelError."""
    return _family(read_config_json(folder), folder)


def _family(config: Mapping[str, Any], folder: Path) -> Family:
    return family_of(config.get("model_type"), read_controls(folder), folder)
