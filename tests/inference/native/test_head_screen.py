"""Half of a head in int8 says which tokens are the likeliest."""

import random
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from inference.models.batch import Work
from inference.models.begun_word import logit_addends
from inference.native.head_screen import upper_bits
from inference.native.model import NativeModel
from inference.prompts.healing import Allowed
from inference.weights.matrix import Quant
from inference.weights.native_layout import pack
from inference.weights.quantize import quantize
from kernels.cpu.library import native_library
from tests.inference.folders import LITE, QWEN, write_folder
from tests.inference.native.test_native_model import load_native, new_memory, random_tokens
from tests.kernels.cpu.instruction_sets import HERE, MACHINES, selected

# A head of its own, one that is the embedding, and one whose rows are looked at in parts.
CONFIGS = {"lite": LITE, "qwen": QWEN, "parts": {**QWEN, "vocab_size": 3000}}
ROWS = 90

pytestmark = pytest.mark.skipif(native_library().functions is None, reason="the native library is not built")


@contextmanager
def sure_model(folder: Path, config: dict[str, Any], isa: str) -> Iterator[NativeModel]:
    """Load a model in int8 whose logits lie as far apart as those of one that has learned something."""
    write_folder(folder, config, seed=3)
    tensors = load_file(folder / "model.safetensors")
    tensors["model.norm.weight"] *= 24
    save_file(tensors, folder / "model.safetensors")
    with selected(isa) as found:
        if not found:
            pytest.skip(f"this machine has no {isa}")
        yield load_native(folder, config, torch.float32, "int8")


def run(
    model: NativeModel, config: dict[str, Any], *, wants_likeliest: bool, addends: Tensor | None = None
) -> tuple[Sequence[tuple[int, float]], Tensor]:
    """Return the likeliest tokens and the logits of each row."""
    works = [Work(random_tokens(ROWS), 0, list(range(8)), ROWS)]
    with torch.inference_mode():
        forward_pass = model.begin_works(works, new_memory(config, 128, torch.float32), wants_likeliest, addends)
        logits = forward_pass.run()
    assert logits is not None
    return forward_pass.likeliest, logits


@pytest.mark.parametrize("isa", [isa for isa, machine in MACHINES.items() if machine == HERE])
@pytest.mark.parametrize("name", CONFIGS)
def test_the_likeliest_tokens_are_those_of_the_whole_head(name: str, isa: str, tmp_path: Path) -> None:
    """The step reads only half of the rows whose logits are far below the largest."""
    config = CONFIGS[name]
    with sure_model(tmp_path, config, isa) as model:
        _, exact = run(model, config, wants_likeliest=True)
        model.screen.make()
        likeliest, logits = run(model, config, wants_likeliest=True)
        _, whole = run(model, config, wants_likeliest=False)
    assert torch.equal(whole, exact)  # without a screen, and where all logits are asked for
    tokens, logprobs = zip(*likeliest, strict=True)
    assert list(tokens) == exact.argmax(-1).tolist()
    torch.testing.assert_close(torch.tensor(logprobs), exact.log_softmax(-1).max(-1).values, atol=0.03, rtol=0)
    assert (logits != exact).any(-1).float().mean() > 0.9


@pytest.mark.parametrize("isa", [isa for isa, machine in MACHINES.items() if machine == HERE])
@pytest.mark.parametrize("name", CONFIGS)
def test_the_likeliest_of_the_first_row_is_one_that_writes_the_begun_word(name: str, isa: str, tmp_path: Path) -> None:
    config = CONFIGS[name]
    vocabulary: Any = config["vocab_size"]
    with sure_model(tmp_path, config, isa) as model:
        _, exact = run(model, config, wants_likeliest=False)
        rng = random.Random(4)
        ordered = exact[0].argsort(descending=True).tolist()
        for some in (ordered[40:45], ordered[7:8], rng.sample(range(256), 90), list(range(256)), ordered[3::-1]):
            addends = logit_addends(
                Allowed(array("q", some), array("f", [rng.choice((0.0, -2.3)) for _ in some])), vocabulary
            )
            screened = load_native(tmp_path, config, torch.float32, "int8")  # the other one knows half does not pay
            screened.screen.make()
            for one in (model, screened):
                likeliest, _ = run(one, config, wants_likeliest=one is screened, addends=addends)
                wanted = (exact[0] + addends).log_softmax(-1)
                assert likeliest[0][0] in some
                assert likeliest[0][0] == int(wanted.argmax())
                assert likeliest[0][1] == pytest.approx(float(wanted.max()), abs=0.03)
                assert [token for token, _ in likeliest[1:]] == exact[1:].argmax(-1).tolist()


def test_a_model_that_is_seldom_sure_goes_on_with_the_whole_head(tmp_path: Path) -> None:
    """Nearly all rows had to be read whole as well."""
    write_folder(tmp_path, QWEN, seed=3)
    model = load_native(tmp_path, QWEN, torch.float32, "int8")
    _, whole = run(model, QWEN, wants_likeliest=False)
    model.screen.make()
    _, first = run(model, QWEN, wants_likeliest=True)
    likeliest, later = run(model, QWEN, wants_likeliest=True)
    assert not torch.equal(first, whole)
    assert torch.equal(later, whole)
    assert [token for token, _ in likeliest] == whole.argmax(-1).tolist()


@pytest.mark.parametrize("form", ["wide", "int8"])
def test_only_a_head_in_int8_has_a_screen(form: Quant, tmp_path: Path) -> None:
    write_folder(tmp_path, QWEN, seed=3)
    model = load_native(tmp_path, QWEN, torch.float32, form)
    model.screen.make()
    assert (model.screen.address is not None) == (form == "int8")


def test_a_screen_has_the_upper_half_of_each_code() -> None:
    weight = torch.randn(40, 70, generator=torch.Generator().manual_seed(5))
    matrix = quantize(weight, "int8")
    bits = upper_bits(pack(matrix).codes)
    codes = matrix.tensors[0].to(torch.int16) + 128
    for row, column in ((0, 0), (17, 15), (17, 16), (39, 69)):
        group, at = divmod(column, 32)
        byte = bits[row // 16, group, at % 16 // 4, row % 16 * 4 + at % 4]
        assert (int(byte) >> (4 if at >= 16 else 0)) & 15 == int(codes[row, column]) >> 4
