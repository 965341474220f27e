"""The instruction sets of kernels/cpu, and how a test compiles for each."""

import platform
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kernels.cpu.library import native_library
from setup import FLAGS, INSTRUCTION_SETS

SOURCES = Path(__file__).parents[3] / "kernels" / "cpu"
HERE = platform.machine().replace("arm64", "aarch64")

# Each instruction set with its kind of machine; the portable one is for all.
MACHINES = {
    "portable": HERE,
    **{isa: machine for machine in ("x86_64", "aarch64") for isa in INSTRUCTION_SETS[machine]},
}


def compiler_options(isa: str) -> list[str]:
    """Return the options with which a header of kernels/cpu is compiled for an instruction set."""
    definitions = (SOURCES / f"isa_{isa}.cpp").read_text(encoding="utf-8")
    macros = re.findall(r"^#define (\S+) ?(\S*)$", definitions, re.MULTILINE)
    defines = [f"-D{name}={value}" if value else f"-D{name}" for name, value in macros]
    options = INSTRUCTION_SETS.get(MACHINES[isa], {}).get(isa, ())
    return [*FLAGS, *options, *defines, f"-I{SOURCES}"]


@contextmanager
def selected(isa: str) -> Iterator[bool]:
    """Make plans for an instruction set until the block ends; gives False where this machine has none of this name."""
    functions = native_library().functions
    if functions is None:
        yield False
        return
    usual = functions.midspan_isa()
    try:
        yield bool(functions.midspan_select(isa.encode()))
    finally:
        functions.midspan_select(usual)


def can_run(isa: str) -> bool:
    """Tell whether this machine has an instruction set, as the library finds out."""
    with selected(isa) as found:
        return found or isa == "portable"
