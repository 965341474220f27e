"""The description that config.json gives of a model: its family, its identity and its shape."""

from dataclasses import dataclass
from pathlib import Path

from inference.model_files import CONFIG_FILE
from inference.models.architecture import ModelConfig, parse_config
from inference.models.config_json import read_config_json
from inference.models.identity import ModelIdentity, parse_identity
from inference.prompts.families import Family, family_of


@dataclass(frozen=True)
class ModelDescription:
    """A model folder as its config.json describes it, each number within its range."""

    family: Family
    identity: ModelIdentity
    config: ModelConfig


def read_description(folder: Path) -> ModelDescription:
    """Read a folder's config.json. Raises ModelError that names what is wrong."""
    raw = read_config_json(folder)
    family = family_of(raw.get("model_type"), folder)
    return ModelDescription(
        family, parse_identity(raw, folder, family), parse_config(raw, family, folder / CONFIG_FILE)
    )
