import math

import pytest
import torch

from kernels.rope import apply_rope, apply_rope_reference, apply_rope_triton


def angles(tokens: int, width: int, device: str = "cpu") -> tuple[torch.Tensor, torch.Tensor]:
    """cos and sin of positions 100, 103, ... at frequencies 10000^(-2i/width)."""
    positions = torch.arange(tokens, dtype=torch.float32, device=device) * 3 + 100
    frequencies = 10000.0 ** (-torch.arange(0, width, 2, device=device) / width)
    angle = positions[:, None] * frequencies
    return angle.cos(), angle.sin()


def test_rotates_each_pair_by_its_angle() -> None:
    torch.manual_seed(0)
    x = torch.randn(3, 2, 6)
    angle = torch.rand(3, 3) * 7
    expected = torch.empty(3, 2, 6)
    for t in range(3):
        for h in range(2):
            for i in range(3):
                turn = complex(math.cos(angle[t, i]), math.sin(angle[t, i]))
                turned = complex(x[t, h, 2 * i], x[t, h, 2 * i + 1]) * turn
                expected[t, h, 2 * i], expected[t, h, 2 * i + 1] = turned.real, turned.imag
    torch.testing.assert_close(apply_rope(x, angle.cos(), angle.sin()), expected)


def test_a_score_depends_on_the_distance_alone() -> None:
    torch.manual_seed(1)
    q, k = torch.randn(1, 1, 16), torch.randn(1, 1, 16)
    cos, sin = angles(12, 16)

    def score(at_q: int, at_k: int) -> torch.Tensor:
        rotated = [apply_rope(v, cos[t : t + 1], sin[t : t + 1]) for v, t in ((q, at_q), (k, at_k))]
        return (rotated[0] * rotated[1]).sum()

    torch.testing.assert_close(score(9, 4), score(6, 1), rtol=1e-4, atol=1e-4)
    assert abs(float(score(9, 4) - score(9, 5))) > 0.01


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize(("tokens", "heads", "width"), [(1, 1, 2), (5, 3, 6), (4, 16, 64), (0, 2, 8)])
def test_triton_equals_the_reference(device: str, tokens: int, heads: int, width: int, dtype: torch.dtype) -> None:
    torch.manual_seed(2)
    x = torch.randn(tokens, heads, width, device=device).to(dtype)
    cos, sin = angles(tokens, width, device)
    actual = apply_rope_triton(x, cos, sin)
    assert actual.dtype == dtype
    torch.testing.assert_close(actual, apply_rope_reference(x, cos, sin))


def test_triton_takes_strided_inputs(device: str) -> None:
    torch.manual_seed(3)
    wide = torch.randn(5, 3, 40, device=device)
    cos, sin = angles(5, 16, device)
    cos, sin = cos.repeat(1, 2)[:, 4:12], sin.repeat_interleave(2, dim=1)[:, ::2]
    for x in (wide[..., 24:], wide[..., :32:2], wide[:, :1, :16].expand(5, 3, 16)):
        torch.testing.assert_close(apply_rope_triton(x, cos, sin), apply_rope_reference(x, cos, sin))
