"""Chooses the config that a family's model has."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from inference.models.deepseek_v2_config import DeepseekV2Config, parse_deepseek_v2
from inference.models.llama_config import LlamaConfig, parse_llama
from inference.prompts.families import Family

ModelConfig = DeepseekV2Config | LlamaConfig


def parse_config(config: Mapping[str, Any], family: Family, path: Path) -> ModelConfig:
    """Build the config from the parsed JSON; `path` is only for messages. Raises ModelError."""
    if family.model_type == "deepseek_v2":
        return parse_deepseek_v2(config, path)
    return parse_llama(config, family, path)
