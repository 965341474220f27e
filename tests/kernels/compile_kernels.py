"""Compiles every kernel ahead of time, on a machine without a GPU: `python -m tests.kernels.compile_kernels sm_90 ...`.

The public functions run on tensors without data at the sizes of the released models, and each launch is taken down
instead of made. What is compiled is thus what a GPU would compile. Prints a JSON object for each kernel and target.
"""

import inspect
import json
import re
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass
from importlib import import_module
from io import StringIO
from typing import Any

import torch
import triton
import triton.language
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from kernels import triton_import

TARGETS = {
    "sm_80": GPUTarget("cuda", 80, 32),
    "sm_90": GPUTarget("cuda", 90, 32),
    "sm_120": GPUTarget("cuda", 120, 32),
    "gfx942": GPUTarget("hip", "gfx942", 64),
}
OPTIONS = ("num_warps", "num_stages")
POINTERS = {
    torch.bfloat16: "*bf16",
    torch.float32: "*fp32",
    torch.int8: "*i8",
    torch.uint8: "*u8",
    torch.int16: "*i16",
    torch.int32: "*i32",
    torch.int64: "*i64",
}


@dataclass(frozen=True)
class Compiled:
    """The compiled form of a launch. AMD's assembler does not tell registers apart by itself: they are of the code."""

    kernel: str
    case: str
    target: str
    shared_bytes: int
    registers: int
    spilled_bytes: int


@dataclass(frozen=True)
class Launch:
    kernel: Any
    case: str
    arguments: dict[str, Any]  # of a tensor its type, so that launches of other processes can be compared
    options: dict[str, int]

    @property
    def key(self) -> str:
        """Launches that Triton compiles once have the same key."""
        return f"{self.kernel.fn.__name__} {self.specialization()} {self.options}"

    def specialization(self) -> tuple[dict[str, str], dict[str, Any], dict[tuple[int], list[list[Any]]]]:
        """Return the signature, the constants and the attributes of the arguments, as Triton takes them at a launch."""
        signature, constants, attributes = {}, {}, {}
        for index, parameter in enumerate(self.kernel.params):
            value = self.arguments[parameter.name]
            is_whole = isinstance(value, int) and not parameter.is_constexpr
            is_fixed = is_whole and not parameter.do_not_specialize
            if parameter.is_constexpr or (is_fixed and value == 1):
                signature[parameter.name] = "constexpr"
                constants[parameter.name] = value
                continue
            signature[parameter.name] = _type_of(value)
            is_tensor = isinstance(value, torch.dtype) and not parameter.do_not_specialize
            if is_tensor or (is_fixed and value % 16 == 0):
                attributes[(index,)] = [["tt.divisibility", 16]]  # torch's memory begins at a multiple of 256
        return signature, constants, attributes


def _type_of(value: torch.dtype | float) -> str:
    if isinstance(value, torch.dtype):
        return POINTERS[value]
    if isinstance(value, float):
        return "fp32"
    return "i32" if abs(value) < 1 << 31 else "i64"


def load_kernels() -> None:
    """Make `kernels` define its kernels with Triton, which it does by itself only where there is a GPU."""
    triton_import.triton, triton_import.tl = triton, triton.language


def record_launches(targets: Sequence[str]) -> None:
    """Collect the different launches of all cases for each target in LAUNCHES."""
    launches: dict[str, Launch] = {}
    case_name = ""

    def run(kernel: Any, *args: Any, grid: tuple[int, ...], warmup: bool, **options: Any) -> None:
        assert min(grid) > 0, (kernel, grid)
        given = {name: options.pop(name) for name in OPTIONS if name in options}
        bound = inspect.signature(kernel.fn).bind(*args, **options).arguments
        plain = {name: value.dtype if isinstance(value, torch.Tensor) else value for name, value in bound.items()}
        launch = Launch(kernel, case_name, plain, given)
        launches.setdefault(launch.key, launch)

    triton.runtime.jit.JITFunction.run = run
    cases = import_module("tests.kernels.released_sizes").CASES
    for target in targets:
        triton_import.IS_AMD = TARGETS[target].backend == "hip"
        for case_name, call in cases.items():  # noqa: B007 run reads it
            with torch.device("meta"):
                call()
        LAUNCHES[target] = list(launches.values())
        launches.clear()


def compile_launch(index: int, target: str) -> Compiled:
    launch = LAUNCHES[target][index]
    with redirect_stdout(StringIO()) as log:  # of ptxas
        compiled = triton.compile(
            ASTSource(launch.kernel, *launch.specialization()), target=TARGETS[target], options=launch.options
        )
    registers, spilled = _registers_nvidia(log.getvalue()) if "ptx" in compiled.asm else _registers_amd(compiled)
    return Compiled(launch.kernel.fn.__name__, launch.case, target, compiled.metadata.shared, registers, spilled)


def _registers_nvidia(log: str) -> tuple[int, int]:
    spills = re.findall(r"(\d+) bytes spill (?:stores|loads)", log)
    registers = re.search(r"Used (\d+) registers", log)
    if not spills or not registers:
        raise ValueError(f"ptxas says nothing of registers: {log}")
    return int(registers[1]), sum(map(int, spills))


def _registers_amd(compiled: Any) -> tuple[int, int]:
    text = compiled.asm["amdgcn"]
    registers, spilled = (re.search(rf"\.{name}:\s+(\d+)", text) for name in ("vgpr_count", "vgpr_spill_count"))
    if not registers or not spilled:
        raise ValueError("the assembly says nothing of its registers")
    return int(registers[1]), 4 * int(spilled[1])


LAUNCHES: dict[str, list[Launch]] = {}

if __name__ == "__main__":
    load_kernels()
    record_launches(sys.argv[1:])
    triton.knobs.nvidia.dump_ptxas_log = True
    with ProcessPoolExecutor(2) as pool:  # forked: they have the launches
        jobs = [pool.submit(compile_launch, i, target) for target in sys.argv[1:] for i in range(len(LAUNCHES[target]))]
        for job in jobs:
            print(json.dumps(asdict(job.result())), flush=True)
