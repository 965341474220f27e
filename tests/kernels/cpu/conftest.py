"""Compiles operations of the native step by themselves, for each instruction set that this machine has."""

import ctypes
import subprocess
from collections.abc import Callable

import pytest

from setup import find_compiler
from tests.kernels.cpu.instruction_sets import HERE, MACHINES, can_run, compiler_options

Compile = Callable[[str], ctypes.CDLL]


@pytest.fixture(scope="session", params=[isa for isa, machine in MACHINES.items() if machine == HERE])
def isa(request: pytest.FixtureRequest) -> str:
    """The name of an instruction set that this machine has."""
    name = str(request.param)
    if not can_run(name):
        pytest.skip(f"this machine has no {name}, or the library is not built")
    return name


@pytest.fixture(scope="session")
def compile_header(isa: str, tmp_path_factory: pytest.TempPathFactory) -> Compile:
    """A function that compiles a header of kernels/cpu into a library of its own."""
    compiler = find_compiler()
    if not compiler:
        pytest.skip("there is no C++ compiler: install g++")

    def compile_it(header: str) -> ctypes.CDLL:
        folder = tmp_path_factory.mktemp("native")
        source, library = folder / "one.cpp", folder / "one.so"
        source.write_text(f'#include "{header}"\n', encoding="utf-8")
        command = [*compiler, *compiler_options(isa), "-O2", "-shared", str(source), "-o", str(library)]
        subprocess.run(command, check=True)
        return ctypes.CDLL(str(library))

    return compile_it
