"""Weights from safetensors: one file, or shards with an index. Nothing else is ever opened as weights."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from midspan import ModelError

SINGLE_FILE = "model.safetensors"
INDEX_FILE = "model.safetensors.index.json"
PICKLE_SUFFIXES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
MAX_NAMES_IN_MESSAGE = 5


class TensorSource(Protocol):
    """Where a model takes its tensors from while it is being built."""

    def take(self, name: str, shape: tuple[int, ...]) -> Tensor: ...


class ShapeRecorder:
    """A source without data: building a model from it tells every name and shape the model wants."""

    def __init__(self) -> None:
        self.shapes: dict[str, tuple[int, ...]] = {}

    def take(self, name: str, shape: tuple[int, ...]) -> Tensor:
        self.shapes[name] = shape
        return torch.empty(shape, device="meta")


class Checkpoint:
    """An open model folder. `take` reads one tensor at a time, so that loading needs little beside the result."""

    def __init__(self, folder: Path, dtype: torch.dtype, device: torch.device) -> None:
        """Open every shard and read the headers. Raises ModelError; opens nothing but safetensors."""
        self.folder = folder
        self.dtype = dtype
        self.device = device
        self._files: dict[str, Any] = {}  # tensor name -> open safetensors file
        self._stack = ExitStack()
        try:
            for path, promised in _shards(folder):
                self._open_shard(path, promised)
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> "Checkpoint":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stack.close()

    def _open_shard(self, path: Path, promised: set[str] | None) -> None:
        try:
            file = self._stack.enter_context(safe_open(path, framework="pt", device="cpu"))
        except FileNotFoundError:
            raise ModelError(f"{path}: missing; the index names it: fetch it again") from None
        except (SafetensorError, OSError) as error:
            raise ModelError(f"{path}: corrupt or truncated ({error}); fetch it again") from error
        names = set(file.keys())
        if promised is not None and promised != names:
            raise ModelError(
                f"{path}: does not hold what {INDEX_FILE} says: {_some(promised ^ names)}; fetch both again"
            )
        if twice := names & self._files.keys():
            raise ModelError(f"{path}: holds tensors that another shard holds too: {_some(twice)}")
        self._files |= dict.fromkeys(names, file)

    def require(self, wanted: Mapping[str, tuple[int, ...]]) -> None:
        """Refuse the folder unless it holds exactly `wanted`. Raises ModelError that names the tensors."""
        problems = []
        if missing := wanted.keys() - self._files.keys():
            problems.append(f"missing {_some(missing)}")
        if extra := self._files.keys() - wanted.keys():
            problems.append(f"not part of this architecture {_some(extra)}")
        misshapen = {
            f"{name} is {found} instead of {list(shape)}"
            for name, shape in wanted.items()
            if name in self._files and (found := self._shape(name)) != list(shape)
        }
        if misshapen:
            problems.append(f"wrong shape: {_some(misshapen)}")
        if problems:
            raise ModelError(f"{self.folder}: the weights do not fit config.json: {'; '.join(problems)}")

    def _shape(self, name: str) -> list[int]:
        return list(self._files[name].get_slice(name).get_shape())

    def take(self, name: str, shape: tuple[int, ...]) -> Tensor:
        """One tensor in the checkpoint's dtype and device; the caller owns it."""
        tensor: Tensor = self._files[name].get_tensor(name)
        if not tensor.is_floating_point():
            raise ModelError(f"{self.folder}: {name} is {tensor.dtype}, not floating point")
        return tensor.to(device=self.device, dtype=self.dtype)


def stored_dtype(folder: Path) -> torch.dtype:
    """The dtype most tensors of the folder's first shard are stored in."""
    with Checkpoint(folder, torch.float32, torch.device("cpu")) as checkpoint:
        name, file = next(iter(checkpoint._files.items()))
        dtype: torch.dtype = file.get_slice(name)[:1].dtype
        return dtype


def _shards(folder: Path) -> Iterator[tuple[Path, set[str] | None]]:
    """Each safetensors file with the names the index promises for it (None: no index)."""
    index_path = folder / INDEX_FILE
    if (folder / SINGLE_FILE).exists() and not index_path.exists():
        yield folder / SINGLE_FILE, None
        return
    if not index_path.exists():
        pickles = sorted(p.name for p in folder.iterdir() if p.suffix in PICKLE_SUFFIXES)
        if pickles:
            raise ModelError(
                f"{folder}: holds weights as pickle ({pickles[0]}), which can run code; "
                f"Midspan reads safetensors only: convert it, or fetch the safetensors files"
            )
        raise ModelError(f"{folder}: has no {SINGLE_FILE} and no {INDEX_FILE}; fetch the weights")
    promised: dict[str, set[str]] = {}
    for name, file_name in _weight_map(index_path).items():
        promised.setdefault(file_name, set()).add(name)
    for file_name, names in sorted(promised.items()):
        yield folder / file_name, names


def _weight_map(index_path: Path) -> dict[str, str]:
    try:
        weight_map = json.loads(index_path.read_text(encoding="utf-8"))["weight_map"]
        entries = {str(name): str(file_name) for name, file_name in weight_map.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{index_path}: cannot be read ({error!r}); fetch it again") from error
    # A shard outside the folder would let an index read any file of the machine.
    if outside := [f for f in entries.values() if Path(f).name != f or not f.endswith(".safetensors")]:
        raise ModelError(f"{index_path}: names {outside[0]!r}, which is no safetensors file beside it")
    return entries


def _some(names: set[str]) -> str:
    listed = sorted(names)
    more = len(listed) - MAX_NAMES_IN_MESSAGE
    text = ", ".join(listed[:MAX_NAMES_IN_MESSAGE])
    return f"{text} and {more} more" if more > 0 else text
