"""The gated MLP of all families."""

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

from inference.weights.checkpoint import TensorSource
from inference.weights.linear import Linear, Part, load_linear


@dataclass(frozen=True)
class DenseMlp:
    gate_up: Linear  # hidden -> 2 * I, the gate first
    down: Linear  # I -> hidden

    def __call__(self, x: Tensor) -> Tensor:
        gate, up = self.gate_up(x).chunk(2, dim=-1)
        return self.down(F.silu(gate) * up)


def load_mlp(source: TensorSource, prefix: str, hidden: int, width: int) -> DenseMlp:
    return DenseMlp(
        gate_up=load_linear(source, [Part(prefix + "gate_proj", width), Part(prefix + "up_proj", width)], hidden),
        down=load_linear(source, [Part(prefix + "down_proj", hidden)], width),
    )
