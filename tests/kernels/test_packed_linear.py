import pytest
import torch

from inference.weights.matrix import Quant
from kernels import packed_linear as module
from kernels.packed_linear import count_column_parts, packed_linear, packed_linear_triton
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


@pytest.mark.parametrize("quant", QUANTS)
@pytest.mark.parametrize(
    ("x_rows", "rows", "columns", "parts"), [(1, 40, 2080, 4), (9, 17, 5152, 8), (17, 70, 1056, 2)]
)
def test_parts_of_the_columns_add_up(
    device: str, x_rows: int, rows: int, columns: int, parts: int, quant: Quant, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert count_column_parts(1, columns, 132) == parts
    tensors, values = random_weights(quant, x_rows, rows, columns)
    torch.manual_seed(x_rows)
    x, bias = torch.randn(x_rows, columns, device=device), torch.randn(rows, device=device)
    packed = pack_weights(quant, [tensor.to(device) for tensor in tensors])
    for added in (bias, None):
        actual = packed_linear_triton(x, packed, added)
        assert torch.equal(actual, packed_linear_triton(x, packed, added))
        expected = x.cpu().double() @ values.double().T + (0 if added is None else added.cpu().double())
        size = x.cpu().double().abs() @ values.double().abs().T + bias.cpu().double().abs()
        assert ((actual.cpu().double() - expected).abs() / size).max() < TOLERANCE[torch.float32]
    monkeypatch.setattr(module, "count_column_parts", lambda *_: 1)
    assert (actual - packed_linear_triton(x, packed, None)).abs().max() > 0  # the sums have another order


def test_few_tiles_are_split_until_all_multiprocessors_read() -> None:
    assert count_column_parts(tiles=128, columns=2048, multiprocessors=132) == 4
    assert count_column_parts(tiles=32, columns=3584, multiprocessors=132) == 4  # no part is shorter
    assert count_column_parts(tiles=224, columns=18944, multiprocessors=132) == 2
    assert count_column_parts(tiles=224, columns=18944, multiprocessors=30) == 1
    assert count_column_parts(tiles=2368, columns=3584, multiprocessors=132) == 1
    assert count_column_parts(tiles=1, columns=10**6, multiprocessors=132) == 16
