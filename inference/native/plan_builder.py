"""Collects the operations of a plan, and keeps the memory that they point to."""

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from inference.models.deepseek_v2_config import DeepseekV2Config
from inference.native.source import Weights, WeightSource
from inference.weights.matrix import Quant
from kernels.cpu.plan import Kind, Matrix, Mlp, Op


@dataclass(frozen=True)
class Part:
    """A matrix among those of one operation: `name` + ".weight", and ".bias" if it has one.

    `at_least` is its smallest form.
    """

    name: str
    rows: int
    has_bias: bool = False
    at_least: Quant = "int4"


class PlanBuilder:
    """Appends operations in the order in which they run."""

    def __init__(self, source: WeightSource) -> None:
        self.source = source
        self.ops: list[Op] = []
        self.largest_input = 0
        self.values_width = 0
        self.hidden_width = 0
        self.spans: list[tuple[int, int]] = []  # the addresses and bytes of the matrices
        self._kept: list[object] = []

    def embed(self, table: Weights) -> None:
        self._append(Kind.EMBED, matrices=[self._matrix(table)])

    def norm(self, kind: Kind, name: str, width: int, eps: float, *readers: Weights) -> None:
        """Append a norm whose result `readers` multiply."""
        weight = self.vector(name, (width,))
        is_quantized = any(reader.is_quantized for reader in readers)
        self._append(kind, vector=weight, eps=eps, width=width, is_quantized=is_quantized)

    def load(self, part: Part, columns: int) -> Weights:
        bias = self.source.vector(part.name + ".bias", (part.rows,)) if part.has_bias else None
        return self.source.matrix(part.name + ".weight", (part.rows, columns), bias, part.at_least)

    def product(self, parts: Sequence[Weights], first_column: int = 0) -> None:
        """Append the product that writes the results of all parts beside each other, from `first_column` on."""
        target, matrices = first_column, []
        for part in parts:
            matrices.append(self._matrix(part, target))
            target += part.rows
        self.values_width = max(self.values_width, target)
        self._append(Kind.PRODUCT, matrices=matrices)

    def add_product(self, weights: Weights) -> None:
        self._append(Kind.ADD_PRODUCT, matrices=[self._matrix(weights)])

    def end_sublayer(self) -> None:
        """Append a place where the step may stop."""
        self._append(Kind.END_SUBLAYER)

    def keep_rows(self) -> None:
        """Append the place from which on only the rows that logits are made of go on. It stands in the last layer,
        where all rows have written into the pages.
        """
        self._append(Kind.KEEP_ROWS)

    def logits(self, weights: Weights) -> None:
        head = self._matrix(weights)
        self._append(Kind.LOGITS, matrices=[head])
        self._append(Kind.GUESS, matrices=[head])
        self._append(Kind.WEIGH, matrices=[head])
        self._append(Kind.LIKELIEST)

    def mlp(self, gate: Weights, up: Weights, down: Weights) -> None:
        self.hidden_width = max(self.hidden_width, down.columns)
        mlp = (Mlp * 1)(Mlp(self._matrix(gate), self._matrix(up), self._matrix(down)))
        self._append(Kind.GATED_PRODUCT, mlps=mlp)
        self._append(Kind.ADD_HIDDEN, matrices=[mlp[0].down])

    def experts(self, router: str, shape: tuple[int, int], experts: Sequence[tuple[Weights, Weights, Weights]]) -> None:
        gate = experts[0][0]
        mlps = (Mlp * len(experts))(*(Mlp(*map(self._matrix, expert)) for expert in experts))
        self._append(Kind.ROUTE, vector=self.vector(router, shape))
        self._append(Kind.GROUP_ROWS)
        self._append(Kind.GATHER, width=gate.columns, is_quantized=gate.is_quantized)
        self._append(Kind.GATED_EXPERTS, mlps=mlps)
        self._append(Kind.ADD_EXPERTS, mlps=mlps)

    def latent_attention(self, config: DeepseekV2Config, layer: int, name: str, reader: Weights) -> None:
        """Append latent attention, absorbed for segments of few rows and expanded for the others.

        `reader` multiplies its result.
        """
        c = config
        content = c.qk_nope_head_dim + c.v_head_dim
        up = self.source.rows(name + "kv_b_proj.weight", (c.num_attention_heads * content, c.kv_lora_rank))
        matrices = [self._matrix(up)]
        norm = self.vector(name + "kv_a_layernorm.weight", (c.kv_lora_rank,))
        self._append(Kind.ROTATE_LATENT, layer=layer, vector=norm)
        if layer == c.num_hidden_layers - 1:
            self.keep_rows()
        self._append(Kind.ABSORB_QUERY, matrices=matrices)
        self._append(Kind.ATTEND_LATENT, layer=layer)
        self._append(Kind.MIX_LATENT, matrices=matrices)
        self._append(Kind.ATTEND_EXPANDED, layer=layer, matrices=matrices)
        self._append(Kind.QUANTIZE, width=reader.columns, is_quantized=reader.is_quantized)

    def attention(self, kind: Kind, layer: int, reader: Weights | None = None) -> None:
        """Append a part of an attention; `reader` multiplies what a mix writes."""
        self._append(kind, layer=layer, is_quantized=reader is not None and reader.is_quantized)

    def vector(self, name: str, shape: tuple[int, ...]) -> int:
        """Load a tensor in fp32 and return its address."""
        return self.keep(self.source.vector(name, shape))

    def keep(self, tensor: Tensor) -> int:
        self._kept.append(tensor)
        return tensor.data_ptr()

    def _append(
        self,
        kind: Kind,
        layer: int = 0,
        matrices: Sequence[Matrix] = (),
        mlps: ctypes.Array[Mlp] | None = None,
        vector: int | None = None,
        eps: float = 0.0,
        width: int = 0,
        is_quantized: bool = False,
    ) -> None:
        op = Op(kind, layer, len(matrices), is_quantized, eps, width)
        if matrices:
            array = (Matrix * len(matrices))(*matrices)
            self._kept.append(array)
            op.matrices = array
        if mlps is not None:
            self._kept.append(mlps)
            op.mlps = mlps
        op.vector = vector
        self.ops.append(op)

    def _matrix(self, weights: Weights, target: int = 0) -> Matrix:
        self.largest_input = max(self.largest_input, weights.columns)
        self._kept.append(weights)
        self.spans.append((weights.codes.data_ptr(), weights.codes.nbytes))
        scale, offset = weights.units
        return Matrix(
            codes=weights.codes.data_ptr(),
            scale=_address(scale),
            offset=_address(offset),
            bias=_address(weights.bias),
            form=weights.form,
            rows=weights.rows,
            columns=weights.columns,
            target=target,
        )


def _address(tensor: Tensor | None) -> int | None:
    return None if tensor is None else tensor.data_ptr()
