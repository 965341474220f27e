"""Muon for the matrices, AdamW for the embedding, the router and the norms.

Muon's update is the momentum made orthogonal by a few Newton-Schulz steps. Matrices of one shape
are stacked, so that a step is a few batched products.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

# Quintic coefficients of Keller Jordan's Muon: fast to singular values near 1, not exact.
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
NEWTON_SCHULZ_STEPS = 5


@dataclass(frozen=True)
class OptimizerSettings:
    """Peak rates; the schedule scales both by the same factor."""

    muon_rate: float = 0.02
    adam_rate: float = 0.004
    momentum: float = 0.95
    muon_decay: float = 0.02
    betas: tuple[float, float] = (0.9, 0.95)


def orthogonalize(matrices: Tensor) -> Tensor:
    """[n, rows, columns] → the same shape with singular values near 1, computed in bf16."""
    a, b, c = NEWTON_SCHULZ
    x = matrices.bfloat16()
    tall = x.shape[-2] > x.shape[-1]
    x = x.transpose(-2, -1) if tall else x
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(NEWTON_SCHULZ_STEPS):
        gram = x @ x.transpose(-2, -1)
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    result: Tensor = x.transpose(-2, -1) if tall else x
    return result.to(matrices.dtype)


class Muon(torch.optim.Optimizer):
    """SGD with Nesterov momentum whose update is orthogonal. Parameters are [.., rows, columns]."""

    def __init__(self, params: Iterable[nn.Parameter], settings: OptimizerSettings) -> None:
        defaults = {"lr": settings.muon_rate, "peak": settings.muon_rate}
        super().__init__(params, defaults)
        self.settings = settings

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Update every parameter once; each has a gradient."""
        for group in self.param_groups:
            by_shape: dict[tuple[int, ...], list[nn.Parameter]] = defaultdict(list)
            for parameter in group["params"]:
                by_shape[tuple(parameter.shape[-2:])].append(parameter)
            for parameters in by_shape.values():
                self._update(parameters, group["lr"])

    def _update(self, parameters: Sequence[nn.Parameter], rate: float) -> None:
        updates = []
        for parameter in parameters:
            assert parameter.grad is not None
            momentum = self.state[parameter].setdefault("momentum", torch.zeros_like(parameter))
            momentum.lerp_(parameter.grad, 1 - self.settings.momentum)
            update = parameter.grad.lerp(momentum, self.settings.momentum)
            updates.append(update.reshape(-1, *parameter.shape[-2:]))
        stacked = orthogonalize(torch.cat(updates))
        rows, columns = stacked.shape[-2:]
        stacked *= max(1.0, rows / columns) ** 0.5
        for parameter, update in zip(parameters, torch.split(stacked, [len(u) for u in updates]), strict=True):
            parameter.mul_(1 - rate * self.settings.muon_decay)
            parameter.add_(update.view_as(parameter), alpha=-rate)


def build_optimizers(model: nn.Module, settings: OptimizerSettings) -> list[torch.optim.Optimizer]:
    """Muon over the matrices and AdamW over the rest; each group knows its `peak` rate."""
    matrices: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        is_matrix = parameter.ndim >= 2 and "embed_tokens" not in name and ".gate." not in name
        (matrices if is_matrix else others).append(parameter)
    adam = torch.optim.AdamW(
        [{"params": others, "peak": settings.adam_rate}],
        lr=settings.adam_rate,
        betas=settings.betas,
        weight_decay=0.0,
        fused=True,
    )
    return [Muon(matrices, settings), adam]


def set_rate(optimizers: Sequence[torch.optim.Optimizer], factor: float) -> None:
    """Scale every group's rate to `factor` of its peak."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * factor
