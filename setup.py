"""Builds the native step of kernels/cpu, where there is a C++ compiler, and describes the package by the README.

pyproject.toml says all the rest. Its address of the repository is where the README's links lead.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

FOLDER = Path("kernels/cpu")
LIBRARY = FOLDER / ("libmidspan_cpu.dylib" if sys.platform == "darwin" else "libmidspan_cpu.so")
SOURCES = sorted(FOLDER.glob("*.cpp"))
READ = [*SOURCES, *FOLDER.glob("*.h"), Path("setup.py")]

# A link of the README that names a file of the repository; a picture's begins with "!".
_LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!\w+:|#)([^)\s]+)\)")

_AVX2 = ("-mavx2", "-mfma", "-mf16c")
_AVX512 = (*_AVX2, "-mavx512f", "-mavx512bw", "-mavx512vl", "-mavx512dq", "-mavx512vnni")
_X86: dict[str, tuple[str, ...]] = {"avx2": _AVX2, "avx512": _AVX512, "avx512_bf16": (*_AVX512, "-mavx512bf16")}
_ARM: dict[str, tuple[str, ...]] = {
    "neon": ("-march=armv8.2-a+dotprod",),
    "neon_i8mm": ("-march=armv8.2-a+dotprod+i8mm",),
}
# The instruction sets of each kind of machine that have a file isa_NAME.cpp of their own, with the compiler's options.
INSTRUCTION_SETS = {"x86_64": _X86, "aarch64": _ARM, "arm64": _ARM}
FLAGS = ("-std=c++17", "-O3", "-fPIC", "-fno-rtti", "-fno-math-errno", "-fvisibility=hidden")
# The library brings its C++ runtime, and shows none of it to other libraries of the process.
LINK: tuple[str, ...] = ("-shared", "-pthread")
if sys.platform == "linux":
    LINK += ("-static-libstdc++", "-static-libgcc", "-Wl,--exclude-libs,ALL", "-Wl,--gc-sections", "-s")


def find_compiler() -> list[str]:
    """Return the command of the C++ compiler, or nothing: $CXX, or one that knows the options of GCC.

    The library is not built on Windows.
    """
    if sys.platform == "win32":
        return []
    if command := os.environ.get("CXX"):
        return command.split()
    found = (shutil.which(name) for name in ("c++", "g++", "clang++"))
    return next(([path] for path in found if path), [])


def compile_library(compiler: list[str], machine: str, target: Path) -> None:
    """Compile and link the library. Raises OSError or subprocess.CalledProcessError, with what the compiler said.

    An instruction set that the compiler does not know is left out with a warning; the portable one has to work.
    """
    flags = INSTRUCTION_SETS.get(machine, {})

    def compile_file(source: Path, options: tuple[str, ...]) -> Path:
        output = work / f"{source.stem}.o"
        command = [*compiler, *FLAGS, *options, "-c", str(source), "-o", str(output)]
        subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return output

    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        work = Path(folder)
        begun = {isa: pool.submit(compile_file, FOLDER / f"isa_{isa}.cpp", options) for isa, options in flags.items()}
        shared = [source for source in SOURCES if source.stem == "isa_portable" or not source.match("isa_*")]
        library = FOLDER / "library.cpp"
        others = [pool.submit(compile_file, source, ()) for source in shared if source != library]
        known = [isa for isa, future in begun.items() if not _warn(future.exception(), f"{isa} is left out")]
        objects = [future.result() for future in [*(begun[isa] for isa in known), *others]]
        objects.append(compile_file(library, tuple(f"-DMIDSPAN_HAS_{isa.upper()}" for isa in known)))
        target.parent.mkdir(parents=True, exist_ok=True)
        new = target.with_suffix(".new")
        command = [*compiler, *map(str, objects), *LINK, "-o", str(new)]
        subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        new.replace(target)  # a process that has mapped the old one keeps it


def _warn(error: BaseException | None, what: str) -> bool:
    """Say on stderr what went wrong, and return whether anything did."""
    if error is not None:
        said = getattr(error, "output", None)
        print(f"warning: the native step: {what}: {error}\n{said or ''}", file=sys.stderr)
    return error is not None


def describe(readme: str, repository: str) -> str:
    """Return the README with whole addresses in its links: beside the page of a package index there are no files."""

    def link(found: re.Match[str]) -> str:
        mark, text, path = found.groups()
        return f"{mark}[{text}]({repository}/{'raw' if mark else 'blob'}/HEAD/{path})"

    return _LINK.sub(link, readme)


class BuildLibrary(build_ext):  # type: ignore[misc]  # setuptools ships no types
    """Builds the library into the wheel, or beside its sources for an editable installation.

    An installation without a compiler works, and torch serves: whatever fails is a warning.
    """

    def run(self) -> None:
        """Build the library unless there is one that is newer than all it is made of."""
        target = LIBRARY if self.inplace else Path(self.build_lib) / LIBRARY
        if target.exists() and not self.force and all(p.stat().st_mtime < target.stat().st_mtime for p in READ):
            return
        target.unlink(missing_ok=True)  # what is left of other sources must not serve
        compiler = find_compiler()
        if not compiler:
            missing = OSError("there is no C++ compiler. Midspan works without it, slower; midspan doctor says more.")
            _warn(missing, "it is not built")
            return
        try:
            compile_library(compiler, platform.machine(), target)
        except (OSError, subprocess.SubprocessError) as error:
            _warn(error, "it is not built")

    def get_outputs(self) -> list[str]:
        """Return the library that a wheel takes."""
        built = Path(self.build_lib) / LIBRARY
        return [str(built)] if built.exists() else []

    def get_output_mapping(self) -> dict[str, str]:
        """Return which of the outputs is which file beside the sources, for an editable installation."""
        return {output: str(LIBRARY) for output in self.get_outputs() if self.inplace}


class Wheel(bdist_wheel):  # type: ignore[misc]  # setuptools ships no types
    """Names the wheel: any Python 3 loads the library, since it calls none of Python's functions."""

    def get_tag(self) -> tuple[str, str, str]:
        """Return the tag of this machine, or of all when the wheel has no library."""
        _, _, machine = super().get_tag()
        has_library = (Path(self.bdist_dir) / LIBRARY).exists()
        return "py3", "none", machine.replace("universal2", platform.machine()) if has_library else "any"


if __name__ == "__main__":  # as the build runs this file; tests import it
    repository = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]["Repository"]
    setup(
        long_description=describe(Path("README.md").read_text(encoding="utf-8"), repository),
        long_description_content_type="text/markdown",
        ext_modules=[Extension("kernels.cpu.library", [str(p) for p in SOURCES], depends=[str(p) for p in READ])],
        cmdclass={"build_ext": BuildLibrary, "bdist_wheel": Wheel},
    )
