"""A forward pass that stops between sublayers computes, bit by bit, what an unbroken one computes."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from inference.cache.allocate_memory import allocate_memory
from inference.models.batch import Batch, Work, pack_batch
from inference.models.forward_pass import ForwardPass, StopFlag
from inference.scheduler import Model
from inference.weights.matrix import Quant
from kernels.cpu.library import native_library
from tests.inference.folders import LARGE, LITE, QWEN, config_of, write_folder
from tests.inference.native.test_native_model import load_native, load_torch, random_tokens, with_all_logits

CPU = torch.device("cpu")
CONFIGS = {"lite": LITE, "large": LARGE, "qwen": QWEN}
SUBLAYERS = 6
CACHED_TOKENS = 40
LENGTHS = [1, 5, 60, 700]  # the last are attended in tiles, or expanded

needs_library = pytest.mark.skipif(native_library().functions is None, reason="the native library is not built")


@dataclass(frozen=True)
class Case:
    """A model, and a batch of it: the new tokens of two sequences behind cached ones."""

    model: Model
    memory: Tensor
    batch: Batch

    def disturb(self) -> None:
        """Run complete steps of other sequences: a prefill of more rows than the batch has, and a decoding step."""
        pages = list(range(128, 256))
        for length in (900, 1):
            self.model.forward(pack_batch([Work(random_tokens(length, 9), 0, pages, 1)], CPU), self.memory)


def make_case(model: Model, config: dict[str, Any], dtype: torch.dtype, length: int) -> Case:
    c = config_of(config)
    memory = allocate_memory(c.num_hidden_layers, 256, c.page_width, dtype, CPU).fill_(float("nan"))
    works = []
    for first, new_tokens in ((0, length), (64, 3)):
        pages = list(reversed(range(first, first + 64)))
        tokens = random_tokens(CACHED_TOKENS + new_tokens, first)
        model.forward(pack_batch([Work(tokens[:CACHED_TOKENS], 0, pages, 1)], CPU), memory)
        works.append(Work(tokens[CACHED_TOKENS:], CACHED_TOKENS, pages, 1))
    return Case(model, memory, with_all_logits(pack_batch(works, CPU)))


def resume(forward_pass: ForwardPass, between: Callable[[], None], most_sublayers: int) -> tuple[Tensor, int]:
    """Run a pass to its end in pieces; return the logits and the number of stops."""
    stops = 0
    while (logits := forward_pass.run(StopFlag(), most_sublayers)) is None:
        stops += 1
        assert forward_pass.sublayers_done == stops * most_sublayers
        between()
    return logits, stops


@pytest.fixture(
    params=[
        *(pytest.param((load_native, quant), marks=needs_library) for quant in ("wide", "int8")),
        (load_torch, "wide"),
    ],
    ids=["native-wide", "native-int8", "torch"],
)
def load(request: pytest.FixtureRequest) -> tuple[Callable[..., Model], Quant]:
    assert isinstance(request.param, tuple)
    return request.param


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("name", CONFIGS)
def test_a_pass_that_stops_at_every_sublayer_gives_the_same_bits(
    name: str, length: int, load: tuple[Callable[..., Model], Quant], tmp_path: Path
) -> None:
    config, (load_model, quant) = CONFIGS[name], load
    write_folder(tmp_path, config, seed=3)
    model = load_model(tmp_path, config, torch.float32, quant)
    with torch.inference_mode():
        whole, pieces, twos = (make_case(model, config, torch.float32, length) for _ in range(3))
        expected = whole.model.forward(whole.batch, whole.memory)
        whole.disturb()
        for case, most in ((pieces, 1), (twos, 2)):
            got, stops = resume(model.begin(case.batch, case.memory), case.disturb, most)
            assert stops == SUBLAYERS // most
            assert torch.equal(got, expected)
            assert torch.equal(case.memory.view(torch.uint8), whole.memory.view(torch.uint8))  # bits: most are NaN


@needs_library
@pytest.mark.parametrize("threads", [1, 3])
def test_a_flag_stops_a_pass_after_one_sublayer_whatever_thread_sets_it(threads: int, tmp_path: Path) -> None:
    write_folder(tmp_path, QWEN, seed=3)
    model = load_native(tmp_path, QWEN, torch.bfloat16, "int8", threads)
    with torch.inference_mode():
        case = make_case(model, QWEN, torch.bfloat16, 60)
        expected = model.forward(case.batch, case.memory)
        forward_pass, stop = model.begin(case.batch, case.memory), StopFlag()
        stop.set()
        for sublayer in range(SUBLAYERS):
            assert forward_pass.run(stop) is None
            assert forward_pass.sublayers_done == sublayer + 1
        logits = forward_pass.run(stop)
        assert logits is not None
        assert torch.equal(logits, expected)


def test_a_flag_stops_the_torch_decoder(tmp_path: Path) -> None:
    write_folder(tmp_path, LITE, seed=3)
    model = load_torch(tmp_path, LITE, torch.float32, "wide")
    with torch.inference_mode():
        case = make_case(model, LITE, torch.float32, 5)
        forward_pass, stop = model.begin(case.batch, case.memory), StopFlag()
        stop.set()
        assert forward_pass.run(stop) is None
        assert forward_pass.sublayers_done == 1
        stop.clear()
        assert forward_pass.run(stop) is not None


@needs_library
def test_two_stopped_passes_of_one_model_go_on_in_turns(tmp_path: Path) -> None:
    write_folder(tmp_path, LITE, seed=3)
    model = load_native(tmp_path, LITE, torch.float32, "int8")
    with torch.inference_mode():
        cases = [make_case(model, LITE, torch.float32, length) for length in (60, 700)]
        expected = [model.forward(case.batch, case.memory) for case in cases]
        passes = [model.begin(case.batch, case.memory) for case in cases]
        for _ in range(SUBLAYERS):
            assert [each.run(StopFlag(), 1) for each in passes] == [None, None]
        for each, logits in zip(passes, expected, strict=True):
            got = each.run()
            assert got is not None
            assert torch.equal(got, logits)
