"""The native step where the system gives fewer threads than it asks for."""

import sys
from pathlib import Path

import psutil
import pytest
import torch

from inference.native.model import NativeModel
from kernels.cpu.library import native_library
from tests.inference.folders import QWEN, config_of, write_folder
from tests.inference.native.test_native_model import load_native, new_memory, quantized, random_tokens, run

WANTED_THREADS = 64
ROOM_BYTES = 4 << 20  # less than the stack of a thread

pytestmark = [
    pytest.mark.skipif(native_library().functions is None, reason=native_library().absence),
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to a limit of its addresses"),
]


def test_the_threads_that_there_are_do_all_the_work(tmp_path: Path) -> None:
    import resource  # Windows has none

    write_folder(tmp_path, QWEN, seed=3)
    tokens = random_tokens(60)
    wanted = run(load_native(tmp_path, QWEN, torch.bfloat16, "int8"), new_memory(QWEN, 60, torch.bfloat16), tokens)
    source, library = quantized(tmp_path, QWEN, torch.bfloat16, "int8"), native_library().functions
    assert library is not None
    process = psutil.Process()
    before = process.num_threads()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (process.memory_info().vms + ROOM_BYTES, hard))
    try:
        model = NativeModel(config_of(QWEN), source, library, WANTED_THREADS)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    assert process.num_threads() - before < WANTED_THREADS - 1
    assert torch.equal(run(model, new_memory(QWEN, 60, torch.bfloat16), tokens), wanted)
