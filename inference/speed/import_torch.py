"""Imports torch in less time: the first suggestion after a start waits for it. Importing this does not import torch."""

import ctypes
import os
import sys
import threading
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

# Greedy decoding by the native step asks nothing of these. The shapes of results without data, for compilers of models,
# bring torch's decompositions along and take a quarter of the time; exported models take a tenth of the rest, and what
# trains models another tenth.
_DEFERRED = (
    "torch._meta_registrations",
    "torch.export",
    "torch.distributions",
    "torch.masked",
    "torch.nn.intrinsic",
    "torch.nn.qat",
    "torch.nn.quantizable",
    "torch.nn.quantized",
    "torch.optim",
    "torch.profiler",
    "torch.quantization",
    "torch.utils.data",
)
_LIBRARY = "libtorch_cpu.so"
_lock = threading.RLock()  # two models may be loaded at once, and their engines rest at once


def open_library() -> threading.Thread:
    """Have the system open torch's library, on a thread of its own: importing torch would hold the interpreter for it.

    Join the thread before importing torch.
    """
    thread = threading.Thread(target=_open_library, name="torch-library", daemon=True)
    thread.start()
    return thread


def import_torch() -> None:
    """Import torch but for parts that a first suggestion does not need. `complete_torch` imports those. Any thread."""
    with _lock:
        finder = _Finder()
        # Other lists: a thread that imports something else meanwhile would skip a finder of a list that changes.
        sys.meta_path = [finder, *sys.meta_path]
        try:
            import torch

            if torch.cuda.is_available():
                complete_torch()
        finally:
            sys.meta_path = [other for other in sys.meta_path if other is not finder]


def complete_torch() -> None:
    """Import what `import_torch` has left out, if that is still to be done: when the engine rests, or has to sample."""
    with _lock:
        for name in _DEFERRED:
            module = sys.modules.get(name)
            if isinstance(module, _Deferred):
                module.run()


def _open_library() -> None:
    if sys.platform != "linux" or "torch" in sys.modules:
        return
    spec = find_spec("torch")
    open_shared = getattr(ctypes.CDLL(None), "dlopen", None)  # called so, it lets other threads run
    if spec is not None and spec.origin is not None and open_shared is not None:
        path = Path(spec.origin).parent / "lib" / _LIBRARY
        open_shared(ctypes.c_char_p(os.fsencode(path)), ctypes.c_int(os.RTLD_NOW))


class _Deferred(ModuleType):
    """A module whose code has not run yet. It runs when somebody asks for one of its names, too."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        self.run()
        return getattr(self, name)

    def run(self) -> None:
        """Run the code, and be a module like any other."""
        loader = self.__loader__
        assert isinstance(loader, _DeferringLoader)
        object.__setattr__(self, "__class__", ModuleType)
        loader.load(self)


class _DeferringLoader(Loader):
    """Makes a module without running its code."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Deferred(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Leave the code for later."""

    def load(self, module: ModuleType) -> None:
        """Run the code of the module."""
        self._loader.exec_module(module)


class _Finder(MetaPathFinder):
    """Finds the deferred modules, and no others."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target) if fullname in _DEFERRED else None
        if spec is not None and spec.loader is not None:
            spec.loader = _DeferringLoader(spec.loader)
        return spec
