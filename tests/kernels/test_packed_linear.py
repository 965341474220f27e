import pytest
import torch

from inference.weights.matrix import Quant
from kernels.packed_linear import packed_linear, packed_linear_triton
from kernels.packed_weights import pack_weights, split_columns, stack_weights, unpack_weights
from tests.kernels.random_weights import QUANTS, random_weights

FORMS: tuple[Quant, ...] = ("wide", *QUANTS)
# Of the sum of the products' sizes: a result that is near zero by chance is no more exact than its parts.
TOLERANCE = {torch.float32: 1e-6, torch.bfloat16: 6e-3}


@pytest.mark.parametrize("quant", FORMS)
def test_packing_keeps_every_value(quant: Quant) -> None:
    matrices = [random_weights(quant, seed, 6, 96) for seed in range(3)]
    packed = [pack_weights(quant, tensors) for tensors, _ in matrices]
    for one, (_, values) in zip(packed, matrices, strict=True):
        assert (one.rows, one.columns) == (6, 96)
        torch.testing.assert_close(unpack_weights(one, torch.float32), values, rtol=1e-6, atol=1e-6)
    stacked = unpack_weights(stack_weights(packed), torch.float32)
    torch.testing.assert_close(stacked, torch.stack([values for _, values in matrices]), rtol=1e-6, atol=1e-6)
    split = torch.cat([unpack_weights(part, torch.float32) for part in split_columns(packed[0], 3)], dim=1)
    torch.testing.assert_close(split, matrices[0][1], rtol=1e-6, atol=1e-6)


def test_groups_are_not_cut() -> None:
    packed = pack_weights("int4", random_weights("int4", 0, 4, 96)[0])
    with pytest.raises(ValueError, match="96 columns of int4 do not make 2 whole matrices"):
        split_columns(packed, 2)


@pytest.mark.parametrize("dtype", list(TOLERANCE))
@pytest.mark.parametrize("has_bias", [False, True])
@pytest.mark.parametrize("quant", FORMS)
@pytest.mark.parametrize(
    ("x_rows", "rows", "columns"),
    [(1, 1, 32), (3, 40, 320), (16, 17, 96), (17, 5, 64), (70, 130, 160)],
)
def test_triton_multiplies_with_the_values_of_the_codes(
    device: str, x_rows: int, rows: int, columns: int, quant: Quant, has_bias: bool, dtype: torch.dtype
) -> None:
    tensors, values = random_weights(quant, x_rows, rows, columns)
    if quant == "wide":
        tensors = (tensors[0].to(dtype),)
    torch.manual_seed(x_rows)
    x = torch.randn(x_rows, columns, device=device).to(dtype)
    bias = torch.randn(rows, device=device).to(dtype) if has_bias else None
    packed = pack_weights(quant, [tensor.to(device) for tensor in tensors])
    actual = packed_linear_triton(x, packed, bias)
    assert actual.dtype == dtype
    added = torch.zeros(rows).double() if bias is None else bias.cpu().double()
    expected = x.cpu().double() @ values.double().T + added
    size = x.cpu().double().abs() @ values.double().abs().T + added.abs()
    assert ((actual.cpu().double() - expected).abs() / size).max() < TOLERANCE[dtype]
    reference = packed_linear(x.cpu(), pack_weights(quant, tensors), None if bias is None else bias.cpu())
    assert ((reference.double() - expected).abs() / size).max() < TOLERANCE[dtype]


@pytest.mark.parametrize("columns", [5, 50])
def test_triton_takes_int8_of_any_width_and_strided_rows(device: str, columns: int) -> None:
    (codes, scale), values = random_weights("int8", 1, 9, columns)
    packed = pack_weights("int8", [codes.T.contiguous().T.to(device), scale.to(device)])
    torch.manual_seed(0)
    for x in (torch.randn(4, 2 * columns)[:, ::2], torch.randn(4, columns + 3)[:, :columns]):
        actual = packed_linear_triton(x.to(device), packed, None)
        torch.testing.assert_close(actual.cpu(), x @ values.T, rtol=1e-4, atol=1e-4)
    assert packed_linear_triton(torch.empty(0, columns, device=device), packed, None).shape == (0, 9)
