"""Builds a decoder of any architecture from its tensors."""

import torch

from inference.models.architecture import ModelConfig
from inference.models.decoder import Decoder
from inference.models.deepseek_v2 import load_deepseek_v2
from inference.models.deepseek_v2_config import DeepseekV2Config
from inference.models.llama import load_llama
from inference.weights.checkpoint import TensorSource


def load_decoder(config: ModelConfig, source: TensorSource, device: torch.device) -> Decoder:
    """Load the model's tensors from `source`."""
    if isinstance(config, DeepseekV2Config):
        return load_deepseek_v2(config, source, device)
    return load_llama(config, source, device)
