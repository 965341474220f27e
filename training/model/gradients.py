"""The gradient of one step, computed by single-threaded processes that take micro-batches.

On a busy machine two threads of one operation wait for the slower core at every operation; two
processes that draw from one list wait for each other once a step, at most one micro-batch long.
"""

import contextlib
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Lock
from typing import Any

import torch
import torch.multiprocessing as mp
from torch import Tensor

from training.model.deepseek_v2 import Model


@dataclass(frozen=True)
class LossSettings:
    """The settings that a worker needs beside the model."""

    capacity_factor: float
    balance_weight: float
    device: str
    compiled: bool


@dataclass(frozen=True)
class Board:
    """The micro-batches of one step, in memory that all workers share.

    inputs, targets and weights [micro-batches, rows, L]; parts [micro-batches, 3] receives plain loss,
    balance loss and dropped share; `taken` counts the micro-batches that a worker has begun.
    """

    inputs: Tensor
    targets: Tensor
    weights: Tensor
    parts: Tensor
    taken: Tensor
    lock: Lock

    def claim(self) -> Iterator[int]:
        """Indices of micro-batches, each given to one worker only."""
        while True:
            with self.lock:
                index = int(self.taken)
                self.taken.add_(1)
            if index >= len(self.inputs):
                return
            yield index


def make_board(micro_batches: int, rows: int, sequence_tokens: int) -> Board:
    """Create an empty board in shared memory."""
    shape = micro_batches, rows, sequence_tokens
    inputs, targets = _shared_zeros(shape, torch.int64), _shared_zeros(shape, torch.int64)
    weights = _shared_zeros(shape, torch.float32)
    parts = _shared_zeros((micro_batches, 3), torch.float32)
    taken = _shared_zeros((), torch.int64)
    return Board(inputs, targets, weights, parts, taken, mp.get_context("spawn").Lock())


def _shared_zeros(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    zeros = torch.zeros(shape, dtype=dtype)
    zeros.share_memory_()  # type: ignore[no-untyped-call]  # torch has no types for it
    return zeros


def build_forward(model: Model, compiled: bool) -> Callable[..., Any]:
    """The model as training calls it: compiled, or as it is."""
    return torch.compile(model, dynamic=False) if compiled else model


def add_gradients(forward: Callable[..., Any], board: Board, settings: LossSettings) -> None:
    """Take micro-batches while there are any and add their gradients to the parameters' `.grad`."""
    for index in board.claim():
        weighted, plain, balance, dropped = forward(
            board.inputs[index].to(settings.device),
            board.targets[index].to(settings.device),
            board.weights[index].to(settings.device),
            settings.capacity_factor,
        )
        ((weighted + settings.balance_weight * balance) / len(board.inputs)).backward()
        board.parts[index] = torch.stack((plain, balance.detach(), dropped)).cpu()


def _serve(model: Model, flat: Tensor, board: Board, settings: LossSettings, orders: Connection) -> None:
    """A worker process: work on each step that is announced, until the other end is closed."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    for parameter, grad in zip(model.parameters(), _views(model, flat), strict=True):
        parameter.grad = grad
    forward = build_forward(model, settings.compiled)
    with contextlib.suppress(EOFError, BrokenPipeError):
        while orders.recv():
            flat.zero_()
            add_gradients(forward, board, settings)
            orders.send(True)


def _views(model: Model, flat: Tensor) -> list[Tensor]:
    sizes = [parameter.numel() for parameter in model.parameters()]
    return [part.view_as(p) for part, p in zip(torch.split(flat, sizes), model.parameters(), strict=True)]


class Helpers:
    """Processes that share the model's parameters and work on the board beside this one.

    Sums of floats depend on which process took which micro-batch, so only a run without helpers repeats to
    the last bit; the data are the same in any case.
    """

    def __init__(self, model: Model, board: Board, settings: LossSettings, count: int) -> None:
        self.model = model
        self.processes: list[BaseProcess] = []
        self.orders: list[Connection] = []
        self.gradients: list[list[Tensor]] = []
        context = mp.get_context("spawn")
        if count:
            model.share_memory()
        for _ in range(count):
            flat = _shared_zeros((sum(p.numel() for p in model.parameters()),), torch.float32)
            mine, theirs = context.Pipe()
            arguments = (model, flat, board, settings, theirs)
            process = context.Process(target=_serve, args=arguments, daemon=True)
            process.start()
            self.processes.append(process)
            theirs.close()
            self.orders.append(mine)
            self.gradients.append(_views(model, flat))

    def begin(self) -> None:
        """Announce that the board is full."""
        for orders in self.orders:
            orders.send(True)

    def finish(self) -> None:
        """Wait for every helper and add its gradients; EOFError when one has died."""
        for orders, gradients in zip(self.orders, self.gradients, strict=True):
            orders.recv()
            for parameter, grad in zip(self.model.parameters(), gradients, strict=True):
                parameter.grad = grad.clone() if parameter.grad is None else parameter.grad.add_(grad)

    def close(self) -> None:
        """End the helpers, which must not be at work."""
        for orders, process in zip(self.orders, self.processes, strict=True):
            orders.close()
            process.join()
