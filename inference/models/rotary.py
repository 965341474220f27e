"""Rotation angles: plain rope, linear scaling, and YaRN (arXiv:2309.00071, section 3) as in DeepSeek-V2."""

import math

import torch
from torch import Tensor

from inference.models.deepseek_v2_config import YarnScaling


class Rotary:
    """cos and sin for any position; D is the number of rotated values per head."""

    def __init__(
        self, dim: int, theta: float, yarn: YarnScaling | None, device: torch.device, linear_factor: float = 1.0
    ) -> None:
        """Positions are divided by `linear_factor`."""
        inverse = theta ** -(torch.arange(0, dim, 2, dtype=torch.float32, device=device) / dim)
        inverse = inverse / linear_factor
        self.factor = 1.0
        if yarn:
            inverse = _interpolate(inverse, dim, theta, yarn)
            self.factor = yarn.rotation_factor
        self.inverse_frequencies = inverse  # [D / 2]

    def angles(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the angles: positions [T] -> cos, sin, each [T, D / 2] in fp32."""
        angles = positions.to(torch.float32)[:, None] * self.inverse_frequencies
        return angles.cos() * self.factor, angles.sin() * self.factor


def _interpolate(inverse: Tensor, dim: int, theta: float, yarn: YarnScaling) -> Tensor:
    """Stretch slow rotations by the factor and keep fast ones, with a linear ramp between."""

    def dimension_of(rotations: float) -> float:
        wavelength = yarn.original_context_tokens / (rotations * 2 * math.pi)
        return dim * math.log(wavelength) / (2 * math.log(theta))

    low = max(math.floor(dimension_of(yarn.beta_fast)), 0)
    high = min(math.ceil(dimension_of(yarn.beta_slow)), dim - 1)
    steps = torch.arange(dim // 2, dtype=torch.float32, device=inverse.device)
    # 0.001: the ramp of a very small dim may have no width.
    ramp = ((steps - low) / max(high - low, 0.001)).clamp(0, 1)
    return inverse / yarn.factor * ramp + inverse * (1 - ramp)
