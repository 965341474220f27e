"""Every engine of a process has the threads that the first one has."""

from pathlib import Path

import pytest
import torch

from inference.native.model import NativeModel
from inference.threads import default_threads
from kernels.cpu.library import native_library
from tests.inference.engines import fresh_engine
from tests.inference.folders import QWEN, write_folder

pytestmark = pytest.mark.skipif(native_library().functions is None, reason=native_library().absence)


@pytest.mark.parametrize("first_has", [{}, {"threads": 1}])
def test_a_second_engine_has_all_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first_has: dict[str, int]
) -> None:
    made: list[int] = []
    make_handle = NativeModel._make_handle

    def note(model: NativeModel, threads: int) -> int:
        made.append(threads)
        return make_handle(model, threads)

    monkeypatch.setattr(NativeModel, "_make_handle", note)
    folder = write_folder(tmp_path, QWEN)
    before = torch.get_num_threads()
    default_threads.cache_clear()
    torch.set_num_threads(3)  # stands for the cores of a machine
    try:
        for settings in (first_has, {}):
            made.clear()
            fresh_engine(folder, **settings).close()
            assert made[0] == settings.get("threads", 3)
    finally:
        torch.set_num_threads(before)
        default_threads.cache_clear()
