"""Keeps a model's quantized weights in the user's cache, so that later loads only map them."""

import hashlib
import json
import logging
import os
import shutil
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs
import psutil
import torch
from torch import Tensor

from inference.heap import trim_heap
from inference.model_files import SINGLE_FILE
from inference.weights.checkpoint import Checkpoint, ShapeRecorder
from inference.weights.matrix import PART_DTYPES, PARTS, Matrix, Quant, form_of, part_shapes
from inference.weights.native_layout import UNITS, native_shapes, pack
from inference.weights.progress import show_progress
from inference.weights.quantize import RunModel, quantize_model
from inference.weights.tensor_file import Entry, TensorFile
from midspan.whole_file import sync_files

log = logging.getLogger(__name__)

LAYOUT_VERSION = 5  # copies of another version are made again
_PARTIAL = ".partial-"
_MAKING: dict[Path, threading.Lock] = {}  # by the folder of a copy: engines of this process make each only once


@dataclass(frozen=True)
class QuantizedCopy:
    """The copy of a folder's weights in a form, whether or not the copy exists yet."""

    source: Path
    quant: Quant
    wanted: ShapeRecorder
    dtype: torch.dtype  # of what is not quantized
    run: RunModel  # over the text that int4 is made for
    is_native: bool = False  # in the layout of the native step
    stored: Mapping[str, Quant] = field(default_factory=dict)  # the forms of matrices that the folder has quantized

    @property
    def folder(self) -> Path:
        return _root() / f"{self._prefix}{_digest(self._state())}"

    @property
    def is_whole(self) -> bool:
        """True when the copy exists: the folder gets its name after its last byte."""
        return self.folder.is_dir()

    @property
    def _prefix(self) -> str:
        """The beginning of the names of all copies of the same folder in the same form."""
        layout = "-native" if self.is_native else ""
        return f"{self.source.name}-{self.quant}{layout}-{_digest([str(self.source.resolve())])}-"

    def _state(self) -> list[object]:
        files = sorted(self.source.glob("*.safetensors"))
        stats = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files]
        return [LAYOUT_VERSION, str(self.dtype), stats]

    def entries(self) -> list[Entry]:
        found = []
        for name, shape in self.wanted.shapes.items():
            form = self._form(name)
            if form != "wide" and self._has_blocks(name):
                codes, units = native_shapes(form, *shape)
                found += [Entry(name, codes, torch.uint8), Entry(name + UNITS, units, torch.float32)]
                continue
            dtypes = (self.dtype,) if form == "wide" else PART_DTYPES[form]
            shapes = (shape,) if form == "wide" else part_shapes(form, *shape)
            parts = zip(PARTS[form], shapes, dtypes, strict=True)
            found += [Entry(name + part, part_shape, dtype) for part, part_shape, dtype in parts]
        return found

    def _has_blocks(self, name: str) -> bool:
        """Return whether the codes of a quantized matrix lie in the blocks of the native layout."""
        return self.is_native and name not in self.wanted.row_by_row

    def _form(self, name: str) -> Quant:
        if name not in self.wanted.matrices:
            return "wide"
        made = form_of(self.quant, self.wanted.matrices[name], self.wanted.shapes[name][1])
        return self.stored.get(name, made)

    def make(self) -> bool:
        """Quantize matrix by matrix. False when the copy cannot be kept, and then nothing is left of it."""
        with _MAKING.setdefault(self.folder, threading.Lock()):
            return self.is_whole or self._make()

    def _make(self) -> bool:
        partial = _root() / f"{_PARTIAL}{os.getpid()}-{self.folder.name}"
        try:
            _root().mkdir(parents=True, exist_ok=True)
            self._remove_older()
            partial.mkdir()
            self._write(partial / SINGLE_FILE)
            sync_files(partial)
            partial.rename(self.folder)
        except OSError as error:
            if self.is_whole:  # another process was faster
                return True
            log.warning("the %s weights of %s cannot be kept in %s: %s", self.quant, self.source, _root(), error)
            return False
        finally:
            shutil.rmtree(partial, ignore_errors=True)
            trim_heap()  # the weights are mapped next
        return True

    def _write(self, path: Path) -> None:
        entries = self.entries()
        title = f"quantizing {self.source.name} to {self.quant}"
        with (
            Checkpoint(self.source, self.dtype, torch.device("cpu")) as checkpoint,
            path.open("wb") as file,
            show_progress(title, sum(entry.size_bytes for entry in entries)) as progress,
        ):
            log.info("%s, once; the copy is kept in %s", title, self.folder)
            target = TensorFile(file, entries)

            def put(name: str, matrix: Matrix) -> None:
                for part, tensor in self._tensors(name, matrix).items():
                    target.put(part, tensor)
                    progress(tensor.nbytes)

            quantize_model(checkpoint, self.wanted, self.quant, self.run, put)

    def _tensors(self, name: str, matrix: Matrix) -> dict[str, Tensor]:
        if matrix.quant != "wide" and self._has_blocks(name):
            packed = pack(matrix)
            return {name: packed.codes, name + UNITS: packed.units}
        return dict(zip((name + part for part in PARTS[matrix.quant]), matrix.tensors, strict=True))

    def _remove_older(self) -> None:
        """Remove copies of earlier states of the folder, and the leftovers of killed processes."""
        for folder in _root().iterdir():
            left_over = folder.name.startswith(_PARTIAL) and not _is_running(folder.name)
            if left_over or (folder.name.startswith(self._prefix) and folder != self.folder):
                shutil.rmtree(folder, ignore_errors=True)


def remove_copies(source: Path) -> None:
    """Remove all copies of a folder's weights, in any form."""
    ending = f"-{_digest([str(source.resolve())])}-"
    for folder in _root().glob(f"*{ending}*"):
        shutil.rmtree(folder, ignore_errors=True)


def _root() -> Path:
    return platformdirs.user_cache_path("midspan") / "quantized"


def _digest(content: list[object]) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:12]


def _is_running(partial: str) -> bool:
    return psutil.pid_exists(int(partial.removeprefix(_PARTIAL).split("-")[0]))
