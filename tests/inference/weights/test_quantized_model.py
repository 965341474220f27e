"""Quantized models: the copy on disk, the loaded weights, and the output."""

import logging
import resource
from collections import namedtuple
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from safetensors.torch import load_file, save_file

from inference.api import EngineSettings
from inference.loader import load_model, wanted_tensors
from inference.local_engine import LocalEngine
from inference.models.batch import Work, pack_batch
from inference.scheduler import allocate_memory
from inference.weights.machine_memory import weights_budget_bytes
from inference.weights.matrix import Quant
from inference.weights.quant_choice import QuantSetting, choose_quant, find_weights
from midspan import ModelError
from tests.inference.folders import CODER_V1, LARGE, LITE, QWEN, config_of, write_folder
from tests.inference.generate import generate

CPU = torch.device("cpu")
# Widths that all forms have: 64 and 96 columns, and experts of 32.
MOE = LITE | {"moe_intermediate_size": 32}
CONFIGS: dict[str, dict[str, Any]] = {
    "lite": MOE,
    "large": LARGE | {"moe_intermediate_size": 32},
    "coder_v1": CODER_V1,
    "qwen": QWEN,
}
MADE: list[QuantSetting] = ["int8", "int4"]
TOKENS = list(range(1, 80))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "midspan" / "quantized"


def find(folder: Path, config: dict[str, Any], setting: QuantSetting) -> tuple[Path, Quant, bool]:
    return find_weights(folder, wanted_tensors(config_of(config)), torch.float32, setting)


def logits_of(weights: Path, config: dict[str, Any], quant: Quant = "wide") -> torch.Tensor:
    """Compute the logits of every token; `quant` is made while loading."""
    model = load_model(weights, config_of(config), torch.float32, CPU, quant)
    memory = allocate_memory(len(model.layers), 10, model.config.page_width, torch.float32, CPU)
    works = [Work(TOKENS[:i], 0, [9], 1) for i in (5, 12)] + [Work(TOKENS, 0, list(range(9)), 1)]
    with torch.inference_mode():
        return torch.cat([model.forward(pack_batch([work], CPU), memory) for work in works])


@pytest.mark.parametrize("setting", MADE)
@pytest.mark.parametrize("name", CONFIGS)
def test_a_kept_copy_says_what_the_weights_quantized_in_memory_say(
    name: str, setting: QuantSetting, tmp_path: Path
) -> None:
    config = CONFIGS[name]
    folder = write_folder(tmp_path / name, config)
    weights, quant, must_quantize = find(folder, config, setting)
    assert (quant, must_quantize) == (setting, False)
    assert weights != folder
    wide = logits_of(folder, config)
    kept, in_memory = logits_of(weights, config), logits_of(folder, config, quant)
    assert torch.equal(kept, in_memory)
    error = float((kept - wide).norm() / wide.norm())
    # Random weights are the worst case, and the router easily takes another expert; wrong logits would be at 1.4.
    assert 1e-4 < error < (0.05 if setting == "int8" else 0.5)


def test_what_errors_would_hurt_most_stays_wide() -> None:
    for config in CONFIGS.values():
        matrices = wanted_tensors(config_of(config)).matrices
        small = ("norm", "bias", "mlp.gate.weight", "kv_a_proj", "kv_b_proj", "q_a_proj")
        assert not [name for name in matrices if any(part in name for part in small)]
        assert {matrices[n] for n in matrices if "embed" in n or "lm_head" in n} == {"int8"}
        assert len([n for n in matrices if "layers" in n]) >= 3 * 5


def test_a_copy_is_made_once_and_again_when_the_weights_change(tmp_path: Path, cache: Path) -> None:
    folder = write_folder(tmp_path / "m", QWEN)
    first, _, _ = find(folder, QWEN, "int8")
    made_ns = (first / "model.safetensors").stat().st_mtime_ns
    assert find(folder, QWEN, "int8")[0] == first
    assert (first / "model.safetensors").stat().st_mtime_ns == made_ns
    four, _, _ = find(folder, QWEN, "int4")
    write_folder(tmp_path / "m", QWEN, seed=1)
    second, _, _ = find(folder, QWEN, "int8")
    assert torch.equal(logits_of(second, QWEN), logits_of(folder, QWEN, "int8"))
    assert set(cache.iterdir()) == {second, four}, "the copy of what is no longer there is gone"


def test_a_damaged_copy_is_made_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = write_folder(tmp_path / "m", QWEN)
    kept, _, _ = find(folder, QWEN, "int4")
    file = kept / "model.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    assert find(folder, QWEN, "int4")[0] == kept
    assert file.read_bytes() == whole
    assert "made again" in caplog.text


@contextmanager
def files_of_at_most(size_bytes: int) -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_where_nothing_can_be_kept_the_weights_are_quantized_in_memory(
    tmp_path: Path, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = write_folder(tmp_path / "m", QWEN)
    with files_of_at_most(10_000):
        weights, quant, must_quantize = find(folder, QWEN, "int8")
    assert (weights, quant, must_quantize) == (folder, "int8", True)
    assert "cannot be kept" in caplog.text
    assert list(cache.iterdir()) == []


def test_what_a_killed_process_left_is_removed(tmp_path: Path, cache: Path) -> None:
    left = cache / ".partial-4194305-m"  # above the largest process id
    left.mkdir(parents=True)
    running = cache / ".partial-1-m"
    running.mkdir()
    find(write_folder(tmp_path / "m", QWEN), QWEN, "int8")
    assert not left.exists()
    assert running.exists()


def test_weights_stored_quantized_are_used_as_they_are_and_not_widened(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "m", MOE)
    kept, _, _ = find(folder, MOE, "int4")
    expected = logits_of(kept, MOE)
    (kept / "model.safetensors").rename(folder / "model.safetensors")
    for setting in ("auto", "int4"):
        assert find(folder, MOE, setting) == (folder, "int4", False)
    assert torch.equal(logits_of(folder, MOE), expected)
    with pytest.raises(ModelError, match="stored as int4, and int8 can only be made from wider ones"):
        find(folder, MOE, "int8")


def test_a_quantized_matrix_without_its_scales_is_named(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "m", QWEN)
    kept, _, _ = find(folder, QWEN, "int8")
    weights = load_file(kept / "model.safetensors")
    name = "model.layers.1.mlp.down_proj.weight"
    del weights[f"{name}.scale"]
    save_file(weights, folder / "model.safetensors")
    with pytest.raises(ModelError, match=rf"missing {name}\.scale"):
        find(folder, QWEN, "auto")


@pytest.mark.parametrize("quant", MADE)
@pytest.mark.parametrize("config", [MOE, QWEN], ids=["lite", "qwen"])
def test_a_quantized_engine_gives_the_same_tokens_however_they_are_computed(
    config: dict[str, Any], quant: QuantSetting, tmp_path: Path
) -> None:
    folder = write_folder(tmp_path / "m", config)
    outputs = []
    for chunk_tokens in (4096, 7):  # widened for a long prefill, codes for a short one
        settings = EngineSettings(model=folder, cache_bytes=4 << 20, chunk_tokens=chunk_tokens, quant=quant)
        engine = LocalEngine(settings)
        engine.ready.result(timeout=60)
        assert engine.stats().quant == quant
        outputs += [generate(engine, TOKENS * 2).text, generate(engine, TOKENS * 2).text]
        engine.close()
    assert len(set(outputs)) == 1


RELEASED_LITE = LITE | {
    "vocab_size": 102400,
    "hidden_size": 2048,
    "intermediate_size": 10944,
    "moe_intermediate_size": 1408,
    "num_hidden_layers": 27,
    "num_attention_heads": 16,
    "kv_lora_rank": 512,
    "qk_nope_head_dim": 128,
    "qk_rope_head_dim": 64,
    "v_head_dim": 128,
    "n_routed_experts": 64,
    "num_experts_per_tok": 6,
}
RELEASED_1_5B = QWEN | {
    "vocab_size": 151936,
    "hidden_size": 1536,
    "intermediate_size": 8960,
    "num_hidden_layers": 28,
    "num_attention_heads": 12,
    "head_dim": 128,
}
Memory = namedtuple("Memory", ["total", "available"])


@pytest.mark.parametrize(
    ("config", "total_gb", "available_gb", "quant"),
    [
        (RELEASED_LITE, 64, 60, "wide"),
        (RELEASED_LITE, 64, 22, "int8"),  # the others' memory is not taken
        (RELEASED_LITE, 32, 26, "int8"),
        (RELEASED_LITE, 24, 24, "int4"),
        (RELEASED_1_5B, 8, 5, "wide"),
        (RELEASED_1_5B, 4, 3, "int8"),
    ],
)
def test_the_default_is_what_fits_the_machine(
    config: dict[str, Any], total_gb: int, available_gb: int, quant: Quant, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = Memory(total_gb * 10**9, available_gb * 10**9)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    sizes_bytes = wanted_tensors(config_of(config)).sizes_bytes(wide_itemsize=2)
    assert choose_quant(sizes_bytes, weights_budget_bytes()) == quant
    assert sizes_bytes[quant] < memory.available


def test_a_model_that_does_not_fit_is_loaded_as_small_as_can_be_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder = write_folder(tmp_path / "m", QWEN)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory(1000, 1000))
    with caplog.at_level(logging.WARNING):
        assert find(folder, QWEN, "auto")[1] == "int4"
    assert "take a smaller model" in caplog.text
