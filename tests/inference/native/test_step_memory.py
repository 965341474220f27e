"""The memory of native steps: a step lays its works in it, and a later one takes it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from inference.models.batch import Work, pack_batch
from inference.models.forward_pass import StopFlag
from kernels.cpu.library import native_library
from tests.inference.folders import write_folder
from tests.inference.native.test_native_model import CONFIGS, CPU, load_native, new_memory, random_tokens

pytestmark = pytest.mark.skipif(native_library().functions is None, reason="the native library is not built")


@pytest.fixture(params=CONFIGS)
def config(request: pytest.FixtureRequest) -> dict[str, Any]:
    return CONFIGS[request.param]


@pytest.fixture
def folder(config: dict[str, Any], tmp_path: Path) -> Path:
    write_folder(tmp_path, config, seed=3)
    return tmp_path


def test_works_are_computed_as_a_batch_of_them_is(folder: Path, config: dict[str, Any]) -> None:
    """A step lays them in memory of its own, where the batch has tensors."""
    native = load_native(folder, config, torch.float32, "wide")
    pages = [[9, 2, 14, 5], [1, 20, 8, 3]]
    works = [Work(random_tokens(40, 1), 0, pages[0], 3), Work(random_tokens(9, 2), 0, pages[1], 1)]
    memory, other = (new_memory(config, 400, torch.float32) for _ in range(2))
    with torch.inference_mode():
        batch = native.forward(pack_batch(works, CPU), other)
        forward_pass = native.begin_works(works, memory)
        logits = forward_pass.run()
    assert logits is not None
    assert logits.shape == batch.shape == (4, config["vocab_size"])
    torch.testing.assert_close(logits, batch, atol=0, rtol=0)
    assert [token for token, _ in forward_pass.likeliest] == logits.argmax(-1).tolist()


def test_steps_that_take_the_memory_of_earlier_ones_compute_what_new_memory_would(
    folder: Path, config: dict[str, Any]
) -> None:
    """Drafts of any length behind one another, of two sequences, and beside a step that has stopped."""
    native = load_native(folder, config, torch.float32, "wide")
    memory, other = (new_memory(config, 400, torch.float32) for _ in range(2))
    pages, other_pages = [3, 11, 7], [1, 20]
    tokens, other_tokens = random_tokens(40, 1), random_tokens(20, 2)

    def compute(works: Sequence[Work]) -> None:
        wanted = native.forward(pack_batch(works, CPU), other)
        forward_pass = native.begin_works(works, memory)
        torch.testing.assert_close(forward_pass.run(), wanted, atol=0, rtol=0)

    with torch.inference_mode():
        compute([Work(tokens[:17], 0, pages, 17)])
        compute([Work(tokens[17:18], 17, pages, 1)])
        stopped = native.begin_works([Work(tokens[18:20], 18, pages, 2)], memory)
        assert stopped.run(StopFlag(), most_sublayers=1) is None
        compute([Work(other_tokens[:5], 0, other_pages, 5)])
        compute([Work(other_tokens[5:6], 5, other_pages, 1)])
        wanted = native.forward(pack_batch([Work(tokens[18:20], 18, pages, 2)], CPU), other)
        torch.testing.assert_close(stopped.run(), wanted, atol=0, rtol=0)
        compute([Work(tokens[20:23], 20, pages, 3), Work(other_tokens[6:7], 6, other_pages, 1)])
        for first in (0, 5, 10):
            compute([Work([token], 0, [first + place], 1) for place, token in enumerate(random_tokens(12, first))])
