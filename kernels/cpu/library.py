"""The library of the native step. Importing this imports no torch."""

import ctypes
import platform
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LIBRARY = Path(__file__).parent / ("libmidspan_cpu.dylib" if sys.platform == "darwin" else "libmidspan_cpu.so")

_VERSION = 9  # of the functions, as kernels.h has it
_COMPILERS = {
    "Darwin": "Install a C++ compiler (xcode-select --install)",
    "Linux": "Install a C++ compiler (apt install g++, or dnf install gcc-c++)",
}
_INSTALL_AGAIN = "install Midspan again: pip install --force-reinstall --no-deps --no-cache-dir midspan."


@dataclass(frozen=True)
class NativeLibrary:
    """The functions of the library, or the reason why there are none with what to do about that."""

    functions: ctypes.CDLL | None
    absence: str = ""
    fix: str = ""

    @property
    def isa(self) -> str | None:
        """The instruction set that serves, as its file is named."""
        return None if self.functions is None else str(self.functions.midspan_isa().decode())


@cache
def native_library() -> NativeLibrary:
    """Load the library, once for each process."""
    return load_library(LIBRARY)


def load_library(path: Path) -> NativeLibrary:
    """Load the library of this file and describe its functions to ctypes."""
    if not path.exists():
        if platform.system() == "Windows":
            return NativeLibrary(None, "Windows has none.")
        what = "it was not built, because there was no C++ compiler or it failed."
        compiler = _COMPILERS.get(platform.system(), "Install a C++ compiler")
        return NativeLibrary(None, what, f"{compiler}, then {_INSTALL_AGAIN}")
    try:
        functions = ctypes.CDLL(str(path))
        functions.midspan_version.argtypes, functions.midspan_version.restype = (), ctypes.c_int32
        version = functions.midspan_version()
    except (OSError, AttributeError) as error:
        return NativeLibrary(None, f"{path} cannot be loaded: {error}.", f"To build it anew, {_INSTALL_AGAIN}")
    if version != _VERSION:
        what = f"{path} is of version {version} and this Midspan needs version {_VERSION}."
        return NativeLibrary(None, what, f"To build it anew, {_INSTALL_AGAIN}")
    pointer = ctypes.c_void_p
    functions.midspan_make_plan.argtypes = (pointer, pointer, ctypes.c_int32, ctypes.c_int32)
    functions.midspan_make_plan.restype = pointer
    functions.midspan_free_plan.argtypes, functions.midspan_free_plan.restype = (pointer,), None
    functions.midspan_step.argtypes = (pointer, pointer, ctypes.c_int32, ctypes.c_int32, pointer)
    functions.midspan_step.restype = ctypes.c_int32
    functions.midspan_isa.argtypes, functions.midspan_isa.restype = (), ctypes.c_char_p
    functions.midspan_select.argtypes, functions.midspan_select.restype = (ctypes.c_char_p,), ctypes.c_int32
    functions.midspan_quantize_rows.argtypes = (ctypes.c_void_p, ctypes.c_void_p)
    functions.midspan_quantize_rows.restype = None
    return NativeLibrary(functions)
