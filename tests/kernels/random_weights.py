"""Random matrices in the forms of the model files."""

import torch

from inference.weights.matrix import GROUP_COLUMNS, LARGEST_CODE, Matrix, Quant, dequantize, pack_codes

QUANTS: tuple[Quant, ...] = ("int8", "int5", "int4")


def random_weights(quant: Quant, seed: int, rows: int, columns: int) -> tuple[tuple[torch.Tensor, ...], torch.Tensor]:
    """Return the tensors of a matrix as its files have them, and the values [rows, columns] that they stand for."""
    generator = torch.Generator().manual_seed(seed)

    def below(largest: int, *shape: int) -> torch.Tensor:
        return torch.randint(0, largest + 1, shape, generator=generator, dtype=torch.uint8)

    matrix: Matrix
    if quant == "wide":
        matrix = Matrix("wide", (torch.randn(rows, columns, generator=generator),))
    elif quant == "int8":
        codes = below(254, rows, columns).to(torch.int16).sub(127).to(torch.int8)
        matrix = Matrix("int8", (codes, torch.rand(rows, generator=generator) / 64))
    else:
        low, *high = pack_codes(quant, below(LARGEST_CODE[quant], rows, columns))
        scale, offset = (below(255, rows, columns // GROUP_COLUMNS) for _ in range(2))
        units = torch.rand(rows, 2, generator=generator) / torch.tensor([512, 64])
        matrix = Matrix(quant, (low, scale, offset, units, *high))
    return matrix.tensors, dequantize(matrix, torch.float32)
