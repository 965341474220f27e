"""The check of the native step, which computes on the CPU what torch computes slower."""

from collections.abc import Sequence

from kernels.cpu.library import NativeLibrary
from lsp_server.cli.checks.finding import Finding


def check_native_step(library: NativeLibrary) -> Sequence[Finding]:
    """Tell which instruction set serves, or why torch serves alone. Midspan works either way, so nothing is wrong."""
    if library.isa is None:
        what = f"The native step does not serve, so a model on the CPU is slower: {library.absence}"
        return (Finding("native step", what, fix=library.fix),)
    return (Finding("native step", f"The native step serves with the instruction set {library.isa}."),)
