"""Routed experts as batched products: every expert gets the same number of slots.

A token fills one slot of each expert it chose. Moving rows to slots and back are gathers in both
directions (a scatter-add in the backward pass would run on one thread of a CPU).
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Slots:
    """The assignment of choices to slots. T tokens, K choices each, S = experts · capacity slots."""

    slot_of_choice: Tensor  # [T, K], any slot where the choice was dropped
    kept: Tensor  # [T, K], 1 where the choice has a slot, else 0
    token_of_slot: Tensor  # [S], 0 where the slot is empty
    choice_of_slot: Tensor  # [S], index into the flat T·K choices, 0 where empty
    filled: Tensor  # [S], 1 where a token sits, else 0


def assign_slots(chosen: Tensor, experts: int, capacity: int) -> Slots:
    """Give each choice [T, K] the next free slot of its expert; past the capacity it is dropped."""
    tokens, choices = chosen.shape
    flat = chosen.reshape(-1)
    one_hot = torch.nn.functional.one_hot(flat, experts)
    rank = (one_hot.cumsum(0) * one_hot).sum(-1) - 1
    kept = rank < capacity
    slot = torch.where(kept, flat * capacity + rank, 0)
    # Dropped choices write to a slot past the end, which is cut off.
    target = torch.where(kept, slot, experts * capacity)
    choice_of_slot = flat.new_full((experts * capacity + 1,), -1)
    choices_in_order = torch.arange(flat.numel(), device=flat.device)
    choice_of_slot = choice_of_slot.scatter(0, target, choices_in_order)[:-1]
    filled = choice_of_slot >= 0
    choice_of_slot = choice_of_slot.clamp_min(0)
    return Slots(
        slot.view(tokens, choices),
        kept.view(tokens, choices),
        choice_of_slot // choices,
        choice_of_slot,
        filled,
    )


class _ToSlots(torch.autograd.Function):
    """[T, H] → [S, H]. Backward: each token sums the gradients of the slots it filled."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, token_of_slot: Tensor, slots: Tensor, kept: Tensor) -> Tensor:
        ctx.save_for_backward(slots, kept)
        return x[token_of_slot]

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None, None]:
        (grad,) = grads
        slots, kept = ctx.saved_tensors
        return (grad[slots] * kept.unsqueeze(-1)).sum(1), None, None, None


class _FromSlots(torch.autograd.Function):
    """[S, H] and weights [T, K] → [T, H], the weighted sum over a token's slots."""

    @staticmethod
    def forward(
        ctx: Any,
        y: Tensor,
        weights: Tensor,
        slots: Tensor,
        token_of_slot: Tensor,
        choice_of_slot: Tensor,
        filled: Tensor,
    ) -> Tensor:
        ctx.save_for_backward(y, weights, slots, token_of_slot, choice_of_slot, filled)
        return (y[slots] * weights.unsqueeze(-1)).sum(1)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None, None, None, None]:
        (grad,) = grads
        y, weights, slots, token_of_slot, choice_of_slot, filled = ctx.saved_tensors
        weight_of_slot = weights.reshape(-1)[choice_of_slot] * filled
        grad_y = grad[token_of_slot] * weight_of_slot.unsqueeze(-1)
        grad_weights = (y[slots] * grad.unsqueeze(1)).sum(-1)
        return grad_y, grad_weights, None, None, None, None


def move_to_slots(x: Tensor, slots: Slots) -> Tensor:
    """Rows of x [T, H] in slot order [S, H]; empty slots hold a row that nobody reads."""
    out: Tensor = _ToSlots.apply(  # type: ignore[no-untyped-call]
        x, slots.token_of_slot, slots.slot_of_choice, slots.kept
    )
    return out


def sum_from_slots(y: Tensor, weights: Tensor, slots: Slots) -> Tensor:
    """The weighted sum [T, H] of each token's rows of y [S, H]; dropped choices add nothing."""
    out: Tensor = _FromSlots.apply(  # type: ignore[no-untyped-call]
        y,
        weights * slots.kept,
        slots.slot_of_choice,
        slots.token_of_slot,
        slots.choice_of_slot,
        slots.filled,
    )
    return out
