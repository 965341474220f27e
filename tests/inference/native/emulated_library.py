"""The native library of another kind of machine, run by an emulator: one program for each step."""

import ctypes
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kernels.cpu.plan import Batch, Form, Kind, Matrix, Mlp, Op, Segment, Shape, activation_floats

# Names of pointers of plan.h, with the number of bytes behind each.
Contents = dict[str, int]


class EmulatedLibrary:
    """Has the functions of the library that a NativeModel calls.

    The memory of a plan and of a step goes into a file, which run_plan.cpp reads, with the places of all pointers; the
    pages, the logits and the likeliest tokens come back in another file.
    """

    def __init__(self, runner: Sequence[str], isa: str, folder: Path) -> None:
        self._runner = runner
        self._isa = isa
        self._folder = folder
        self._plan: tuple[Shape, ctypes.Array[Op], int] | None = None

    def midspan_isa(self) -> bytes:
        return self._isa.encode()

    def midspan_make_plan(self, shape: Any, ops: ctypes.Array[Op], _count: int, threads: int) -> int:
        self._plan = shape._obj, ops, threads
        return 1

    def midspan_free_plan(self, _plan: int) -> None:
        self._plan = None

    def midspan_step(self, _plan: int, batch_reference: Any, first: int, _most: int, stop: int | None) -> int:
        assert self._plan is not None
        assert first == 0
        assert stop is None
        shape, ops, threads = self._plan
        batch: Batch = batch_reference._obj
        image = Image()
        pages_bytes, logits_bytes = shape.layers * batch.layer_bytes, batch.logit_count * shape.vocabulary * 4
        row_bytes = batch.logit_count * 4
        places = [image.add_shape(shape), image.add_ops(ops, shape), image.add_batch(batch, shape, pages_bytes)]
        numbers = (
            *places,
            len(ops),
            threads,
            image.pages_at,
            pages_bytes,
            image.logits_at,
            logits_bytes + 2 * row_bytes,
        )
        sent, received = self._folder / "sent", self._folder / "received"
        sent.write_bytes(image.written(numbers))
        subprocess.run([*self._runner, self._isa, str(sent), str(received)], check=True)
        content = received.read_bytes()
        ctypes.memmove(batch.pages, content, pages_bytes)
        outputs = content[pages_bytes:]
        ctypes.memmove(batch.logits, outputs, logits_bytes)
        ctypes.memmove(batch.likeliest, outputs[logits_bytes:], row_bytes)
        ctypes.memmove(batch.likeliest_logprobs, outputs[logits_bytes + row_bytes :], row_bytes)
        return len(ops)


class Image:
    """Structures and the memory behind them, each at a multiple of 64 bytes."""

    def __init__(self) -> None:
        self._content = bytearray()
        self._pointers: list[tuple[int, int]] = []  # where each pointer lies, and where it points
        self.pages_at = self.logits_at = self.head_bytes = 0

    def written(self, numbers: Sequence[int]) -> bytes:
        """Return the file: sizes, numbers, pointers, content."""
        flat = [place for pointer in self._pointers for place in pointer]
        header = (len(self._content), len(self._pointers), *numbers, *flat)
        return struct.pack(f"<{len(header)}q", *header) + self._content

    def add_shape(self, shape: Shape) -> int:
        return self._add_structure(shape, {"inverse_frequencies": shape.rope // 2 * 4})

    def add_ops(self, ops: ctypes.Array[Op], shape: Shape) -> int:
        at = self._add(bytes(ops))
        for index, op in enumerate(ops):
            here = at + index * ctypes.sizeof(Op)
            width = shape.experts * shape.hidden if op.kind == Kind.ROUTE else op.width or shape.latent
            self._fill(op, here, {"vector": width * 4})
            if op.kind == Kind.LOGITS:
                self.head_bytes = codes_bytes(op.matrices[0], has_blocks=True)
            if op.matrices:
                has_blocks = op.kind not in (Kind.ABSORB_QUERY, Kind.MIX_LATENT, Kind.ATTEND_EXPANDED)
                self._point(here + Op.matrices.offset, self._add_matrices(op.matrices[: op.count], has_blocks))
            if op.mlps:
                count = shape.experts if op.kind in (Kind.GATED_EXPERTS, Kind.ADD_EXPERTS) else 1
                matrices = [each for mlp in op.mlps[:count] for each in (mlp.gate, mlp.up, mlp.down)]
                assert ctypes.sizeof(Mlp) == 3 * ctypes.sizeof(Matrix)
                self._point(here + Op.mlps.offset, self._add_matrices(matrices))
        return at

    def add_batch(self, batch: Batch, shape: Shape, pages_bytes: int) -> int:
        at = self._add(bytes(batch))
        rows = dict.fromkeys(("tokens", "positions", "slots"), batch.rows * 8)
        floats = activation_floats(shape, batch.rows)
        self._fill(batch, at, {**rows, "logit_rows": batch.logit_count * 8, "activations": floats * 4})
        if batch.screen:
            self._fill(batch, at, {"screen": self.head_bytes // 2})
        self.pages_at = self._add(ctypes.string_at(batch.pages, pages_bytes))
        logits_bytes = batch.logit_count * shape.vocabulary * 4
        self.logits_at = self._add(bytes(logits_bytes + 2 * batch.logit_count * 4))
        self._point(at + Batch.pages.offset, self.pages_at)
        self._point(at + Batch.logits.offset, self.logits_at)
        self._point(at + Batch.likeliest.offset, self.logits_at + logits_bytes)
        self._point(at + Batch.likeliest_logprobs.offset, self.logits_at + logits_bytes + batch.logit_count * 4)
        segments = batch.segments[: batch.segment_count]
        segments_at = self._add(b"".join(map(bytes, segments)))
        self._point(at + Batch.segments.offset, segments_at)
        for index, segment in enumerate(segments):
            pages = -(-segment.length // shape.page_tokens)
            self._fill(segment, segments_at + index * ctypes.sizeof(Segment), {"table": pages * 4})
        return at

    def _add_matrices(self, matrices: Sequence[Matrix], has_blocks: bool = True) -> int:
        at = self._add(b"".join(map(bytes, matrices)))
        for index, matrix in enumerate(matrices):
            here = at + index * ctypes.sizeof(Matrix)
            rows = -(-matrix.rows // 16) * 16 if has_blocks else matrix.rows
            contents = {"codes": codes_bytes(matrix, has_blocks), "scale": rows * 4, "offset": rows * 4}
            self._fill(matrix, here, {**contents, "bias": matrix.rows * 4})
        return at

    def _add_structure(self, structure: ctypes.Structure, contents: Contents) -> int:
        at = self._add(bytes(structure))
        self._fill(structure, at, contents)
        return at

    def _fill(self, structure: ctypes.Structure, at: int, contents: Contents) -> None:
        """Add what the structure's pointers point to."""
        for name, size in contents.items():
            if address := getattr(structure, name):
                self._point(at + getattr(type(structure), name).offset, self._add(ctypes.string_at(address, size)))

    def _add(self, content: bytes) -> int:
        at = len(self._content)
        self._content += content + bytes(-len(content) % 64)
        return at

    def _point(self, pointer_at: int, at: int) -> None:
        self._pointers.append((pointer_at, at))


def codes_bytes(matrix: Matrix, has_blocks: bool) -> int:
    if matrix.form in (Form.WIDE_F32, Form.WIDE_BF16):
        return int(matrix.rows * matrix.columns * (4 if matrix.form == Form.WIDE_F32 else 2))
    if not has_blocks:
        return int(matrix.rows * matrix.columns)
    blocks, tiles = -(-matrix.rows // 16), -(-matrix.columns // 64)
    return int(blocks * tiles * (576 if matrix.form == Form.INT4 else 1024))
