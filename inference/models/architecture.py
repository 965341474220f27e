"""Chooses the config that a model's architecture has."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from inference.models.deepseek_v2_config import DeepseekV2Config, parse_deepseek_v2
from inference.models.llama_config import LlamaConfig, parse_llama

ModelConfig = DeepseekV2Config | LlamaConfig


def parse_config(config: Mapping[str, Any], path: Path) -> ModelConfig:
    """Build the config from the parsed JSON, by its `model_type`; `path` is only for messages. Raises ModelError."""
    if config.get("model_type") == "deepseek_v2":
        return parse_deepseek_v2(config, path)
    return parse_llama(config, path)
