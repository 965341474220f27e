"""The native step computes what the torch model computes, for every family and form."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from inference.api import Sampling
from inference.cache.allocate_memory import allocate_memory
from inference.loader import wanted_tensors
from inference.models.batch import Batch, Work, pack_batch
from inference.models.load import load_decoder
from inference.native.model import NativeModel
from inference.sampler import Sampler
from inference.scheduler import Model
from inference.weights import smallest_form
from inference.weights.checkpoint import Checkpoint
from inference.weights.matrix import Matrix, Quant
from inference.weights.quantize import TensorsInMemory, quantize_in_memory
from kernels.cpu.library import native_library
from tests.inference.folders import CODER_V1, LARGE, LITE, MSCALE_ONE, QWEN, config_of, write_folder
from tests.kernels.cpu.instruction_sets import selected

CPU = torch.device("cpu")
CONFIGS = {"lite": LITE, "large": LARGE, "mscale_one": MSCALE_ONE, "coder_v1": CODER_V1, "qwen": QWEN}
# One token, an odd few, enough for tiles of absorbed attention, more than are multiplied at once, and enough for tiles
# of an attention and expanded latents.
LENGTHS = [1, 5, 30, 60, 700]

pytestmark = pytest.mark.skipif(native_library().functions is None, reason="the native library is not built")


def load_native(
    folder: Path, config: dict[str, Any], dtype: torch.dtype, quant: Quant, threads: int = 2
) -> NativeModel:
    library = native_library().functions
    assert library is not None
    return NativeModel(config_of(config), quantized(folder, config, dtype, quant), library, threads)


def load_torch(folder: Path, config: dict[str, Any], dtype: torch.dtype, quant: Quant) -> Model:
    return load_decoder(config_of(config), quantized(folder, config, dtype, quant), CPU)


def quantized(folder: Path, config: dict[str, Any], dtype: torch.dtype, quant: Quant) -> TensorsInMemory:
    with Checkpoint(folder, dtype, CPU) as checkpoint:
        wanted = wanted_tensors(config_of(config))
        return quantize_in_memory(checkpoint, wanted, quant, run=lambda source: None)


def new_memory(config: dict[str, Any], tokens: int, dtype: torch.dtype) -> Tensor:
    c = config_of(config)
    memory = allocate_memory(c.num_hidden_layers, tokens // 16 + 2, c.page_width, dtype, CPU)
    return memory.fill_(float("nan"))


def random_tokens(count: int, seed: int = 1) -> list[int]:
    return torch.randint(0, 256, (count,), generator=torch.Generator().manual_seed(seed)).tolist()


def with_all_logits(batch: Batch) -> Batch:
    return replace(batch, logit_rows=torch.arange(len(batch.tokens)))


def run(model: Model, memory: Tensor, tokens: list[int], start: int = 0) -> Tensor:
    """Return the logits of every token from `start`; the pages are used in reverse, as after many evictions."""
    pages = list(reversed(range(memory.shape[1])))
    with torch.inference_mode():
        return model.forward(with_all_logits(pack_batch([Work(tokens[start:], start, pages, 1)], CPU)), memory)


def distance(got: Tensor, expected: Tensor) -> float:
    """Return the relative error of the median row: a row whose experts are nearly tied may take another one."""
    return float(((got - expected).norm(dim=-1) / expected.norm(dim=-1)).median())


@pytest.fixture(params=CONFIGS)
def config(request: pytest.FixtureRequest) -> dict[str, Any]:
    return CONFIGS[request.param]


@pytest.fixture
def folder(config: dict[str, Any], tmp_path: Path) -> Path:
    write_folder(tmp_path, config, seed=3)
    return tmp_path


@pytest.mark.parametrize("length", LENGTHS)
def test_wide_weights_give_the_logits_of_torch(folder: Path, config: dict[str, Any], length: int) -> None:
    native, torch_model = (
        load_native(folder, config, torch.float32, "wide"),
        load_torch(folder, config, torch.float32, "wide"),
    )
    tokens = random_tokens(length + 3)
    memory, torch_memory = (new_memory(config, length + 3, torch.float32) for _ in range(2))
    for end, start in ((length, 0), (length + 3, length)):
        expected = run(torch_model, torch_memory, tokens[:end], start)
        assert expected.std() > 0.1  # a flat output would agree with anything
        torch.testing.assert_close(run(native, memory, tokens[:end], start), expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("unknown", [0, 100])
def test_the_likeliest_tokens_of_a_step_are_those_of_its_logits(
    folder: Path, config: dict[str, Any], unknown: int
) -> None:
    """They are tokens that the tokenizer has: the head may have more rows."""
    c, library, source = config_of(config), native_library().functions, quantized(folder, config, torch.float32, "wide")
    assert library is not None
    known = c.vocab_size - unknown
    model = NativeModel(c, source, library, 2, known_tokens=known)
    batch = with_all_logits(pack_batch([Work(random_tokens(90), 0, list(range(8)), 1)], CPU))
    with torch.inference_mode():
        forward_pass = model.begin(batch, new_memory(config, 128, torch.float32))
        logits = forward_pass.run()
        assert logits is not None
        choices, logprobs = Sampler(Sampling()).choose(logits[:, :known])
    found, found_logprobs = zip(*forward_pass.likeliest, strict=True)
    assert list(found) == choices.tolist()
    assert torch.equal(choices, logits.argmax(-1)) == (unknown == 0)
    torch.testing.assert_close(torch.tensor(found_logprobs), logprobs, atol=1e-5, rtol=0)


@pytest.mark.parametrize("quant", ["int8", "int4"])
def test_quantized_weights_are_as_near_to_their_codes_as_int8_is_to_wide_weights(
    folder: Path, config: dict[str, Any], quant: Quant
) -> None:
    tokens = random_tokens(80)

    def logits(model: Model, dtype: torch.dtype = torch.float32) -> Tensor:
        return run(model, new_memory(config, 80, dtype), tokens)

    wide, int8, expected = (logits(load_torch(folder, config, torch.float32, form)) for form in ("wide", "int8", quant))
    error_of_int8 = distance(int8, wide)
    assert distance(logits(load_native(folder, config, torch.float32, quant)), expected) < error_of_int8
    in_bf16 = logits(load_native(folder, config, torch.bfloat16, quant), torch.bfloat16)
    error_of_bf16 = distance(logits(load_torch(folder, config, torch.bfloat16, quant), torch.bfloat16), expected)
    assert distance(in_bf16, expected) < error_of_int8 + error_of_bf16


@pytest.mark.parametrize("name", ["coder_v1", "qwen"])
def test_the_matrices_of_one_product_may_have_different_forms(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a wide dense model the queries are int4 and the keys and values int5, and an embedding of its own is int4."""
    monkeypatch.setattr(smallest_form, "NARROW", 0)
    config, tokens = CONFIGS[name], random_tokens(80)
    write_folder(tmp_path, config, seed=3)
    assert {*wanted_tensors(config_of(config)).matrices.values()} == {"int4", "int5", "int8"}

    def logits(load: Callable[..., Model], form: Quant) -> Tensor:
        memory = new_memory(config, 80, torch.float32)
        return run(load(tmp_path, config, torch.float32, form), memory, tokens)

    error_of_int8 = distance(logits(load_torch, "int8"), logits(load_torch, "wide"))
    assert distance(logits(load_native, "int4"), logits(load_torch, "int4")) < error_of_int8


@pytest.mark.parametrize("narrow", [0, 1024])
def test_the_native_model_asks_for_the_forms_of_the_torch_model(
    folder: Path, config: dict[str, Any], narrow: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smallest_form, "NARROW", narrow)
    tensors, library, asked = quantized(folder, config, torch.float32, "wide"), native_library().functions, {}
    load = tensors.load_matrix

    def record(name: str, shape: tuple[int, int], at_least: Quant = "int4") -> Matrix:
        asked[name] = at_least
        return load(name, shape, at_least)

    def record_rows(name: str, shape: tuple[int, int]) -> Matrix:
        return record(name, shape, "int8")

    monkeypatch.setattr(tensors, "load_matrix", record)
    monkeypatch.setattr(tensors, "load_rows", record_rows)
    assert library is not None
    NativeModel(config_of(config), tensors, library, 1)
    assert asked == wanted_tensors(config_of(config)).matrices


def test_bf16_is_nearer_to_fp32_than_torch_is(folder: Path, config: dict[str, Any]) -> None:
    tokens = random_tokens(80)
    expected = run(load_torch(folder, config, torch.float32, "wide"), new_memory(config, 80, torch.float32), tokens)
    theirs, ours = (
        run(model, new_memory(config, 80, torch.bfloat16), tokens)
        for model in (
            load_torch(folder, config, torch.bfloat16, "wide"),
            load_native(folder, config, torch.bfloat16, "wide"),
        )
    )
    assert distance(ours, expected) < distance(theirs, expected)


def test_sequences_of_one_batch_do_not_see_each_other(folder: Path, config: dict[str, Any]) -> None:
    """A long prefill, a draft and a single token of three sequences give what each gives alone."""
    native = load_native(folder, config, torch.float32, "wide")
    cached, new = [3, 40, 17], [50, 5, 1]
    texts = [random_tokens(c + n, seed) for seed, (c, n) in enumerate(zip(cached, new, strict=True))]
    memory = new_memory(config, 400, torch.float32)
    pages = [list(range(first, first + 8)) for first in (0, 8, 16)]
    with torch.inference_mode():
        for text, start, own in zip(texts, cached, pages, strict=True):
            native.forward(pack_batch([Work(text[:start], 0, own, 0)], CPU), memory)
        works = [Work(text[start:], start, own, 1) for text, start, own in zip(texts, cached, pages, strict=True)]
        together = native.forward(with_all_logits(pack_batch(works, CPU)), memory)
    for text, start, part in zip(texts, cached, torch.split(together, new), strict=True):
        alone = run(native, new_memory(config, 400, torch.float32), text)[start:]
        torch.testing.assert_close(part, alone, atol=1e-4, rtol=0)


@pytest.mark.parametrize("length", [7, 1015])  # across the end of a split of the context
def test_a_draft_is_computed_as_its_tokens_one_by_one_are(folder: Path, config: dict[str, Any], length: int) -> None:
    native = load_native(folder, config, torch.bfloat16, "int8")
    tokens = random_tokens(length + 17)
    memory, other = (new_memory(config, len(tokens), torch.bfloat16) for _ in range(2))
    run(native, memory, tokens[:length])
    run(native, other, tokens[:length])
    together = run(native, memory, tokens, length)
    singly = torch.cat([run(native, other, tokens[: end + 1], end) for end in range(length, len(tokens))])
    assert torch.equal(together, singly)


@pytest.mark.parametrize("length", [7, 600])
def test_the_number_of_threads_changes_nothing(folder: Path, config: dict[str, Any], length: int) -> None:
    tokens = random_tokens(length)
    one, three = (
        run(
            load_native(folder, config, torch.bfloat16, "int8", threads),
            new_memory(config, length, torch.bfloat16),
            tokens,
        )
        for threads in (1, 3)
    )
    assert torch.equal(one, three)


@pytest.fixture(params=["avx512", "avx2", "portable"])
def other_instruction_set(request: pytest.FixtureRequest) -> Iterator[str]:
    with selected(request.param) as found:
        if not found:
            pytest.skip(f"this machine has no {request.param}")
        yield request.param


@pytest.mark.parametrize("name", ["large", "qwen"])
def test_every_instruction_set_gives_the_same(name: str, other_instruction_set: str, tmp_path: Path) -> None:
    config = CONFIGS[name]
    write_folder(tmp_path, config, seed=3)
    tokens = random_tokens(60)

    def logits(form: Quant, load: Callable[..., Model] = load_native) -> Tensor:
        return run(load(tmp_path, config, torch.float32, form), new_memory(config, 60, torch.float32), tokens)

    torch.testing.assert_close(logits("wide"), logits("wide", load_torch), atol=1e-4, rtol=0)
    for form in ("int8", "int4"):
        error_of_int8 = distance(logits("int8", load_torch), logits("wide", load_torch))
        assert distance(logits(form), logits(form, load_torch)) < error_of_int8
