"""The library chooses what a machine has, and gives there what torch gives: other machines run under qemu-user.

The library of another kind of machine is built by a cross compiler.
"""

import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from inference.models.batch import Work, pack_batch
from inference.native.model import NativeModel
from inference.weights.matrix import Quant
from setup import FLAGS, LIBRARY, compile_library, find_compiler
from tests.inference.folders import LARGE, QWEN, config_of, write_folder
from tests.inference.native.emulated_library import EmulatedLibrary
from tests.inference.native.test_native_model import distance, load_torch, new_memory, quantized, random_tokens, run

HERE = Path(__file__).parent
ROOT = Path(__file__).parents[3]
# Each kind of machine with processors of qemu, and the instruction set that the library has to choose on each.
# AVX-512 is nothing that qemu knows.
PROCESSORS = [
    ("x86_64", "Nehalem", "portable"),
    ("x86_64", "Haswell", "avx2"),
    ("aarch64", "cortex-a72", "portable"),
    ("aarch64", "cortex-a76", "neon"),
    ("aarch64", "max", "neon_i8mm"),
]
CONFIGS = {"large": LARGE, "qwen": QWEN}
TOKENS = 60


@pytest.fixture(scope="module")
def build_runner(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[str]]:
    """A function that builds the library and run_plan for a kind of machine, and returns the command without a -cpu."""

    @cache
    def build(machine: str) -> list[str]:
        is_cross, folder = machine != platform.machine(), tmp_path_factory.mktemp(machine)
        compiler = [f"{machine}-linux-gnu-g++"] if is_cross else find_compiler()
        program, library, emulator = folder / "run_plan", folder / LIBRARY.name, f"qemu-{machine}"
        for needed in (*compiler[:1], emulator):
            if shutil.which(needed) is None:
                pytest.skip(f"{needed} is not installed")
        if is_cross:
            compile_library(compiler, machine, library)
        elif (ROOT / LIBRARY).exists():
            shutil.copy(ROOT / LIBRARY, library)
        else:
            pytest.skip("the native library is not built")
        options = [*FLAGS, "-Wall", "-Wextra", "-Werror", f"-I{ROOT / LIBRARY.parent}", f"-Wl,-rpath,{folder}"]
        sources = [str(HERE / "run_plan.cpp"), str(library)]
        subprocess.run([*compiler, *options, *sources, "-static-libstdc++", "-o", str(program)], check=True)
        return [emulator, *(["-L", f"/usr/{machine}-linux-gnu"] if is_cross else []), str(program)]

    return build


@pytest.mark.skipif(sys.platform != "linux", reason="qemu-user runs on Linux alone")
@pytest.mark.parametrize(("machine", "processor", "isa"), PROCESSORS)
@pytest.mark.parametrize("name", CONFIGS)
def test_a_machine_gives_the_logits_of_torch(
    name: str, machine: str, processor: str, isa: str, build_runner: Callable[[str], list[str]], tmp_path: Path
) -> None:
    emulator, *program = build_runner(machine)
    runner = [emulator, "-cpu", processor, *program]
    config: dict[str, Any] = CONFIGS[name]
    folder, steps = tmp_path / "model", tmp_path / "steps"
    for each in (folder, steps):
        each.mkdir()
    write_folder(folder, config, seed=3)
    tokens = random_tokens(TOKENS)

    def emulated(form: Quant, dtype: torch.dtype) -> Tensor:
        """Prefill all tokens but three, then run these, and return the logits of both steps.

        The step's choice of the last token is that of its logits, and the same by half of the head.
        """
        library = EmulatedLibrary(runner, isa, steps)
        source = quantized(folder, config, dtype, form)
        model = NativeModel(config_of(config), source, library, threads=2)  # type: ignore[arg-type]  # it has the same functions
        memory = new_memory(config, TOKENS, dtype)
        logits = torch.cat([run(model, memory, tokens[:-3]), run(model, memory, tokens[:-1], TOKENS - 3)])
        pages = list(reversed(range(memory.shape[1])))
        forward_pass = model.begin(pack_batch([Work(tokens[-1:], TOKENS - 1, pages, 1)], torch.device("cpu")), memory)
        last = forward_pass.run()
        assert last is not None
        assert forward_pass.likeliest[0][0] == int(last.argmax())
        if form == "int8":
            model.screen.make()
            screened = model.begin_works([Work(tokens[-1:], TOKENS - 1, pages, 1)], memory, wants_likeliest=True)
            screened.run()
            assert screened.likeliest[0] == pytest.approx(forward_pass.likeliest[0], abs=0.03)
        return torch.cat([logits, last])

    def expected(form: Quant, dtype: torch.dtype = torch.float32) -> Tensor:
        return run(load_torch(folder, config, dtype, form), new_memory(config, TOKENS, dtype), tokens)

    wide = expected("wide")
    torch.testing.assert_close(emulated("wide", torch.float32), wide, atol=1e-4, rtol=0)
    assert distance(emulated("wide", torch.bfloat16), wide) < distance(expected("wide", torch.bfloat16), wide)
    forms: tuple[Quant, ...] = ("int8", "int4")
    for form in forms:
        assert distance(emulated(form, torch.float32), expected(form)) < distance(expected("int8"), wide)
