"""The operations of each instruction set against plain loops, in C++.

Those of another kind of machine are built by a cross compiler and run under qemu-user: CONTRIBUTING.md says how to get
both. A check that cannot run here is skipped by the name of what is missing.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

from setup import find_compiler
from tests.kernels.cpu.instruction_sets import HERE, MACHINES, can_run, compiler_options

FOLDER = Path(__file__).parent
CHECKS = sorted(path.stem for path in FOLDER.glob("*_check.cpp"))


def compiler_and_runner(isa: str) -> tuple[list[str], list[str]]:
    """Return the commands that compile for this instruction set and that run what was compiled."""
    machine = MACHINES[isa]
    if machine == HERE:
        if not can_run(isa):
            pytest.skip(f"this machine has no {isa}, or the library is not built")
        compiler, runner = find_compiler(), []
    else:
        compiler, runner = [f"{machine}-linux-gnu-g++", "-static"], [f"qemu-{machine}", "-cpu", "max"]
    for program in (*compiler[:1], *runner[:1]):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    return compiler, runner


@pytest.mark.parametrize("isa", MACHINES)
@pytest.mark.parametrize("check", CHECKS)
def test_an_instruction_set_computes_what_plain_loops_compute(check, isa, tmp_path):
    compiler, runner = compiler_and_runner(isa)
    program = tmp_path / check
    command = [*compiler, *compiler_options(isa), "-Wall", "-Wextra", "-Werror", str(FOLDER / f"{check}.cpp")]
    subprocess.run([*command, "-o", str(program)], check=True)
    done = subprocess.run([*runner, str(program)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "0 failures\n")


@pytest.mark.parametrize("isa", MACHINES)
def test_a_function_that_instruction_sets_share_is_not_one_of_them(isa, tmp_path):
    """Of an inline function in several files, the linker keeps one: perhaps that which this machine cannot run."""
    if shutil.which("nm") is None:
        pytest.skip("nm is not installed")
    compiler, _ = compiler_and_runner(isa)
    source, output = tmp_path / "isa.cpp", tmp_path / "isa.o"
    source.write_text('#include "export_kernels.h"\n', encoding="utf-8")
    # Without optimisation every function of ours is in the file, and also those of the standard library that the
    # compiler otherwise puts into their callers.
    for level, wrong in (("-O0", "midspan::"), ("-O1", "")):
        command = [compiler[0], *compiler_options(isa), level, "-c", str(source), "-o", str(output)]
        subprocess.run(command, check=True)
        list_symbols = ["nm", "--defined-only", "--extern-only", "--demangle", str(output)]
        symbols = subprocess.run(list_symbols, capture_output=True, text=True, check=True).stdout.splitlines()
        assert symbols
        assert [symbol for symbol in symbols if wrong in symbol and f"midspan::{isa}::" not in symbol] == []
