"""A forward pass that may stop between two sublayers and go on later. A layer has two: its attention and its MLP."""

import ctypes
from typing import Protocol

from torch import Tensor

ALL_SUBLAYERS = 2**31 - 1


class StopFlag:
    """Stops a forward pass at the end of a sublayer. Any thread may set it; the native step reads its memory."""

    def __init__(self) -> None:
        self._value = ctypes.c_int32(0)

    @property
    def address(self) -> int:
        return ctypes.addressof(self._value)

    @property
    def is_set(self) -> bool:
        return self._value.value != 0

    def set(self) -> None:
        self._value.value = 1

    def clear(self) -> None:
        self._value.value = 0


class ForwardPass(Protocol):
    """The forward pass of one batch. Between two calls of `run`, others of the same model may run.

    It keeps the activations of its rows. What it has written into the pages has to stay until it is complete.
    """

    @property
    def sublayers(self) -> int: ...

    @property
    def sublayers_done(self) -> int: ...

    def run(self, stop: StopFlag | None = None, most_sublayers: int = ALL_SUBLAYERS) -> Tensor | None:
        """Go on: to the end, until `stop` is set, or for `most_sublayers`.

        At least one sublayer is computed. Returns fp32 logits [L, vocabulary], or None when the pass has stopped.
        """
