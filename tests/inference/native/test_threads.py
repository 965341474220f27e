"""The threads of the native step: as many as the system gives, and their turns on a busy core."""

import ctypes
import platform
import struct
import sys
import threading
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
SYSTEM_CALLS = {
    "x86_64": {"sched_setattr": 314, "sched_getattr": 315},
    "aarch64": {"sched_setattr": 274, "sched_getattr": 275},
}
ATTRIBUTES = struct.Struct("=IIQiIQQQ")  # of sched_setattr(2)
TURN = 5  # its place among them
SHORT_TURN_NS, LONG_TURN_NS = 100_000, 3_000_000

pytestmark = [
    pytest.mark.skipif(native_library().functions is None, reason=native_library().absence),
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits a process's addresses, and sets turns"),
]


def attributes_of_thread() -> tuple[int, ...] | None:
    """Return what the system has of this thread, or None where it does not know turns."""
    attributes = ctypes.create_string_buffer(ATTRIBUTES.size)
    if sched_call("sched_getattr", attributes, ATTRIBUTES.size) or not ATTRIBUTES.unpack(attributes)[TURN]:
        return None
    return ATTRIBUTES.unpack(attributes)


def sched_call(name: str, attributes: "ctypes.Array[ctypes.c_char]", *size: int) -> int:
    """Call a function of the system that has no name in older C libraries."""
    return int(ctypes.CDLL(None).syscall(SYSTEM_CALLS[platform.machine()][name], 0, attributes, *size, 0))


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


def test_a_step_has_short_turns_beside_other_programs(tmp_path: Path) -> None:
    write_folder(tmp_path, QWEN, seed=3)
    model = load_native(tmp_path, QWEN, torch.bfloat16, "int8")
    seen: list[tuple[int, ...] | None] = []

    def take_steps() -> None:
        attributes = attributes_of_thread()
        if attributes is None:
            return
        long = ATTRIBUTES.pack(*attributes[:TURN], LONG_TURN_NS, *attributes[TURN + 1 :])
        if sched_call("sched_setattr", ctypes.create_string_buffer(long, ATTRIBUTES.size)):
            return  # a sandbox refuses it
        seen.append(attributes_of_thread())
        run(model, new_memory(QWEN, 20, torch.bfloat16), random_tokens(20))
        seen.append(attributes_of_thread())

    thread = threading.Thread(target=take_steps)  # one of its own, so that the test's thread keeps its turns
    thread.start()
    thread.join()
    if not seen:
        pytest.skip("this system gives all threads turns of one length")
    before, after = seen
    assert before is not None
    assert before[TURN] == LONG_TURN_NS
    assert after == (*before[:TURN], SHORT_TURN_NS, *before[TURN + 1 :])
