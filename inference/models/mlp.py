"""The gated MLP of all families."""

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

from inference.weights.checkpoint import TensorSource
from inference.weights.linear import Linear, Part, load_linear
from inference.weights.matrix import Quant


@dataclass(frozen=True)
class DenseMlp:
    gate_up: Linear  # hidden -> 2 * I, the gate first
    down: Linear  # I -> hidden

    def __call__(self, x: Tensor) -> Tensor:
        return self.down(_gated(self.gate_up(x)))


def _gated(gate_up: Tensor) -> Tensor:
    """Return silu(gate) * up. `gate_up` leaves memory before the product that follows."""
    gate, up = gate_up.chunk(2, dim=-1)
    return F.silu(gate).mul_(up)


def load_mlp(source: TensorSource, prefix: str, hidden: int, width: int, at_least: Quant = "int4") -> DenseMlp:
    """Load an MLP whose matrices have at least a form."""
    gate_up = [Part(prefix + name, width, at_least=at_least) for name in ("gate_proj", "up_proj")]
    return DenseMlp(
        gate_up=load_linear(source, gate_up, hidden),
        down=load_linear(source, [Part(prefix + "down_proj", hidden, at_least=at_least)], width),
    )
