"""FakeTensorMode for a torch that is built for CPUs alone, whose indexing and `to` refuse the device "cuda"."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.overrides import TorchFunctionMode

_aten = torch.ops.aten
_WAITS = {Tensor.item, Tensor.tolist, Tensor.__int__, Tensor.__float__, Tensor.__bool__, Tensor.cpu, Tensor.__index__}


@contextmanager
def made_up_gpu() -> Iterator["Calls"]:
    """Make tensors of a device and a shape, without values.

    An operation on tensors of two devices raises, and so does one that needs a value on the host.
    """
    with torch.inference_mode(), FakeTensorMode() as fake, Calls(fake) as calls:
        yield calls


class Calls(TorchFunctionMode):
    """Takes the calls that refuse the device past it, to the operations that they stand for; counts moves."""

    def __init__(self, fake: FakeTensorMode) -> None:
        super().__init__()
        self._fake = fake
        self.moves = 0  # of tensors from one device to another

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        options = dict(kwargs or {})
        if func in _WAITS and args[0].is_cuda:
            raise AssertionError(f"{func.__name__} waits for the GPU")
        if func is Tensor.__getitem__:
            return _pick(args[0], args[1])
        if func is Tensor.__setitem__:
            return self._put(*args)
        if func is Tensor.to:
            return self._move(args[0], *args[1:], **options)
        if func is Tensor.copy_:
            return self._copy(*args)
        if func is Tensor.contiguous and not args[0].is_contiguous():
            return _aten.clone(args[0], memory_format=torch.contiguous_format)
        if func is Tensor.contiguous:
            return args[0]
        if func is Tensor.exponential_:
            return args[0]  # there are no values
        return func(*args, **options)

    def _move(self, tensor: Tensor, *to: Any, **options: Any) -> Tensor:
        options.pop("non_blocking", None)
        for each in to:
            options["dtype" if isinstance(each, torch.dtype) else "device"] = each
        if not isinstance(tensor, FakeTensor):  # made of a buffer
            tensor = self._fake.from_tensor(tensor)
        moved: Tensor = _aten._to_copy(tensor, **options)
        self.moves += moved.device != tensor.device
        return moved

    def _copy(self, target: Tensor, source: Tensor) -> Tensor:
        self.moves += target.device != source.device
        copied: Tensor = _aten.copy_(target, source)
        return copied

    def _put(self, tensor: Tensor, index: Any, value: Any) -> None:
        parts = index if isinstance(index, tuple) else (index,)
        if any(isinstance(part, Tensor) for part in parts):
            assert all(isinstance(part, Tensor) or part == slice(None) for part in parts)
            _aten.index_put_(tensor, [part if isinstance(part, Tensor) else None for part in parts], value)
        elif isinstance(value, Tensor):
            self._copy(_pick(tensor, index), value)
        else:
            _aten.fill_(_pick(tensor, index), value)


def _pick(tensor: Tensor, index: Any) -> Tensor:
    """Index as Python does: numbers, slices, None, one Ellipsis, and tensors of indices."""
    parts = list(index) if isinstance(index, tuple) else [index]
    for at, part in enumerate(parts):
        if part is Ellipsis:
            taken = sum(other is not None and other is not Ellipsis for other in parts)
            parts[at : at + 1] = [slice(None)] * (tensor.dim() - taken)
            break
    axis = 0
    indices: list[Tensor | None] = []
    for part in parts:
        if part is None:
            tensor = _aten.unsqueeze(tensor, axis)
            part = slice(None)
        if isinstance(part, Tensor):
            assert part.device == tensor.device, "torch would move the index to the device, and wait"
            indices += [None] * (axis - len(indices)) + [part]
        elif isinstance(part, slice):
            tensor = _aten.slice(tensor, axis, part.start, part.stop, part.step or 1)
        else:
            tensor = _aten.select(tensor, axis, int(part))
            continue
        axis += 1
    return _aten.index(tensor, indices) if indices else tensor
