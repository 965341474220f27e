import pytest
import torch

from kernels.rmsnorm import (
    add_rmsnorm,
    add_rmsnorm_reference,
    add_rmsnorm_triton,
    rmsnorm,
    rmsnorm_reference,
    rmsnorm_triton,
)

DTYPES = [torch.float32, torch.bfloat16, torch.float16]


def test_divides_by_the_root_mean_square_and_scales() -> None:
    torch.manual_seed(0)
    x, weight = torch.randn(3, 5, 7), torch.randn(7)
    expected = torch.empty(3, 5, 7)
    for i in range(3):
        for j in range(5):
            mean_square = sum(float(v) ** 2 for v in x[i, j]) / 7
            for h in range(7):
                expected[i, j, h] = float(x[i, j, h]) / (mean_square + 0.01) ** 0.5 * weight[h]
    torch.testing.assert_close(rmsnorm(x, weight, 0.01), expected)


def test_rounds_before_the_weight_as_the_released_code_does() -> None:
    torch.manual_seed(1)
    x, weight = torch.randn(8, 64).bfloat16(), torch.randn(64).bfloat16()
    x32 = x.float()
    normalised = x32 / (x32.square().mean(-1, keepdim=True) + 1e-6).sqrt()
    rounded_once = (normalised * weight.float()).bfloat16()
    rounded_twice = normalised.bfloat16() * weight
    assert not torch.equal(rounded_once, rounded_twice)
    assert torch.equal(rmsnorm(x, weight, 1e-6), rounded_twice)


def test_a_tiny_row_is_governed_by_eps_and_a_large_one_does_not_overflow() -> None:
    assert torch.equal(rmsnorm(torch.zeros(2, 4), torch.ones(4), 1e-6), torch.zeros(2, 4))
    large = torch.full((1, 4), 60000.0, dtype=torch.float16)
    assert torch.equal(rmsnorm(large, torch.ones(4).half(), 1e-6), torch.ones(1, 4).half())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 1), (3, 7), (2, 5, 96), (0, 16), (4, 1000)])
def test_triton_equals_the_reference(device: str, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    torch.manual_seed(2)
    x = torch.randn(shape, device=device).to(dtype)
    weight = torch.randn(shape[-1], device=device).to(dtype)
    actual = rmsnorm_triton(x, weight, 1e-6)
    assert actual.dtype == dtype
    torch.testing.assert_close(actual, rmsnorm_reference(x, weight, 1e-6))


def test_triton_takes_strided_inputs(device: str) -> None:
    torch.manual_seed(3)
    wide = torch.randn(6, 4, 80, device=device)
    weight = torch.randn(80, device=device)[::2]
    for x in (wide[..., :40], wide[..., ::2], wide.transpose(0, 1)[:, 1:, 3:43]):
        torch.testing.assert_close(rmsnorm_triton(x, weight, 1e-5), rmsnorm_reference(x, weight, 1e-5))


def test_the_norm_of_a_sum_and_the_sum() -> None:
    torch.manual_seed(4)
    x, residual, weight = torch.randn(3, 8), torch.randn(3, 8), torch.randn(8)
    normed, total = add_rmsnorm(x, residual, weight, 1e-6)
    assert torch.equal(total, x + residual)
    assert torch.equal(normed, rmsnorm(x + residual, weight, 1e-6))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 1), (2, 5, 96), (0, 16), (4, 1000)])
def test_triton_adds_the_residual(device: str, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    torch.manual_seed(5)
    wide = torch.randn(*shape[:-1], 2 * shape[-1], device=device).to(dtype)
    x, residual = wide[..., ::2], torch.randn(shape, device=device).to(dtype)
    weight = torch.randn(shape[-1], device=device).to(dtype)
    normed, total = add_rmsnorm_triton(x, residual, weight, 1e-6)
    torch.testing.assert_close(total, add_rmsnorm_reference(x, residual, weight, 1e-6)[1])
    torch.testing.assert_close(normed, rmsnorm_reference(total, weight, 1e-6))
