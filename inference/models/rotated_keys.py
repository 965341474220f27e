"""The place of the rotated keys in a cache row, as each model lays it out."""

import torch

from inference.models.architecture import ModelConfig
from inference.models.deepseek_v2_config import DeepseekV2Config
from inference.models.rotary import Rotary
from kernels.move_rows import RotatedKeys


def rotated_keys(config: ModelConfig, device: torch.device, *, is_native: bool) -> RotatedKeys:
    """Describe the keys in the rows that the decoder writes, or the native step.

    The native step keeps the released order of a head, whose pairs are half a head apart.
    """
    c = config
    if isinstance(c, DeepseekV2Config):
        rotary = Rotary(c.qk_rope_head_dim, c.rope_theta, c.yarn, device)
        place = (c.kv_lora_rank, 1, c.qk_rope_head_dim, False)
    else:
        rotary = Rotary(c.head_dim, c.rope_theta, None, device, c.rope_factor)
        place = (0, c.num_key_value_heads, c.head_dim, is_native)
    return RotatedKeys(c.page_width, *place, rotary.inverse_frequencies)
