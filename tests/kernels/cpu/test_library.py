"""The library of the native step: its choice of an instruction set, and what is said where there is none."""

import subprocess
import sys
from pathlib import Path

import pytest

from kernels.cpu.library import LIBRARY, load_library, native_library
from setup import INSTRUCTION_SETS, find_compiler

ROOT = Path(__file__).parents[3]


@pytest.fixture
def library():
    if not find_compiler():
        pytest.skip("no C++ compiler")
    found = native_library()
    assert found.functions is not None, found.absence
    chosen = found.functions.midspan_isa()
    yield found
    assert found.functions.midspan_select(chosen)


def test_it_serves_with_an_instruction_set_of_this_machine(library):
    assert library.isa in {"portable", *(isa for isas in INSTRUCTION_SETS.values() for isa in isas)}


def test_another_instruction_set_can_be_chosen_where_the_machine_has_it(library):
    assert library.functions.midspan_select(b"portable")
    assert library.isa == "portable"
    for missing in (b"neon" if sys.platform == "linux" and "avx2" in _flags() else b"avx2", b"", b"portabl"):
        assert not library.functions.midspan_select(missing)
    assert library.isa == "portable"


@pytest.mark.skipif(sys.platform != "linux" or "avx2" not in Path("/proc/cpuinfo").read_text(), reason="no AVX2")
def test_the_fastest_of_this_machine_is_chosen(library):
    """The kernel's own list of what the processor has is another source than CPUID."""
    flags = _flags()
    avx512 = {"avx512f", "avx512bw", "avx512vl", "avx512dq", "avx512_vnni"} <= flags
    wanted = "avx512_bf16" if avx512 and "avx512_bf16" in flags else "avx512" if avx512 else "avx2"
    assert library.isa == wanted


def _flags() -> set[str]:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((set(line.split()) for line in lines if line.startswith("flags")), set())


def test_a_missing_library_is_told_with_what_to_install(tmp_path):
    found = load_library(tmp_path / LIBRARY.name)
    assert (found.functions, found.isa) == (None, None)
    assert "no C++ compiler" in found.absence
    assert "Install a C++ compiler" in found.fix


def test_a_file_that_is_no_library_is_told_by_name(tmp_path):
    path = tmp_path / LIBRARY.name
    path.write_bytes(b"no library")
    found = load_library(path)
    assert found.functions is None
    assert str(path) in found.absence


def test_a_library_of_another_version_is_not_called(tmp_path):
    compiler = find_compiler()
    if not compiler:
        pytest.skip("no C++ compiler")
    source, path = tmp_path / "old.cpp", tmp_path / LIBRARY.name
    source.write_text('extern "C" int midspan_version() { return -7; }')
    subprocess.run([*compiler, "-shared", "-fPIC", str(source), "-o", str(path)], check=True)
    found = load_library(path)
    assert found.functions is None
    assert "is of version -7" in found.absence
    source.write_text('extern "C" int another() { return 1; }')
    other = tmp_path / "other.so"
    subprocess.run([*compiler, "-shared", "-fPIC", str(source), "-o", str(other)], check=True)
    assert "cannot be loaded" in load_library(other).absence
