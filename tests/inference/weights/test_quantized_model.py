"""Quantized models: the copy on disk, the loaded weights, and the output."""

import logging
import resource
from collections import namedtuple
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from safetensors.torch import load_file, save_file

from inference.api import EngineSettings
from inference.cache.allocate_memory import allocate_memory
from inference.calibration import run_over_code
from inference.loader import load_model, wanted_tensors
from inference.local_engine import LocalEngine
from inference.models.batch import Work, pack_batch
from inference.models.decoder import Decoder
from inference.models.description import read_family
from inference.models.load import load_decoder
from inference.prompts.tokenizer import Tokenizer
from inference.weights import smallest_form
from inference.weights.checkpoint import Checkpoint
from inference.weights.default_form import DefaultForm, choose_form
from inference.weights.machine_memory import weights_budget_bytes
from inference.weights.matrix import Quant, dequantize
from inference.weights.native_layout import unpack_groups, unpack_int8
from inference.weights.quant_choice import QuantSetting, find_weights
from inference.weights.quantize import RunModel, quantize_in_memory
from midspan import ModelError
from tests.inference.folders import CODER_V1, LARGE, LITE, QWEN, config_of, write_folder
from tests.inference.generate import generate
from tests.inference.speeds import machine

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
# Int4 is made for code, so that its error is measured on code.
CODE = list(b"def mean(values):\n    return sum(values) / len(values)\n\n\nclass Point:\n    x: int")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "midspan" / "quantized"


def find(folder: Path, config: dict[str, Any], setting: QuantSetting) -> tuple[Path, Quant, bool]:
    parsed = config_of(config)
    run = run_over(folder, config)
    return find_weights(folder, wanted_tensors(parsed), torch.float32, setting, run, unknown_ms)


def run_over(folder: Path, config: dict[str, Any]) -> RunModel:
    return run_over_code(config_of(config), Tokenizer(folder, read_family(folder)))


def unknown_ms(form: Quant) -> float:
    raise AssertionError(f"nobody needs to know the time of a token in {form}")


def logits_of(weights: Path, config: dict[str, Any], quant: Quant = "wide") -> torch.Tensor:
    """Compute the logits of every token; `quant` is made in memory."""
    parsed = config_of(config)
    if quant == "wide":
        model = load_model(weights, parsed, torch.float32, CPU)
    else:
        with Checkpoint(weights, torch.float32, CPU) as checkpoint:
            tensors = quantize_in_memory(checkpoint, wanted_tensors(parsed), quant, run_over(weights, config))
        model = load_decoder(parsed, tensors, CPU)
    return logits_with(model, CODE)


def logits_with(model: Decoder, tokens: list[int]) -> torch.Tensor:
    memory = allocate_memory(len(model.layers), 20, model.config.page_width, torch.float32, CPU)
    works = [Work(tokens[:i], 0, [19], 1) for i in (5, 12)] + [Work(tokens, 0, list(range(19)), 1)]
    with torch.inference_mode():
        return torch.cat([model.forward(pack_batch([work], CPU), memory) for work in works])


@pytest.mark.parametrize("setting", MADE)
@pytest.mark.parametrize("name", CONFIGS)
def test_a_kept_copy_says_what_the_weights_quantized_in_memory_say(
    name: str, setting: QuantSetting, tmp_path: Path
) -> None:
    config = CONFIGS[name]
    folder = write_folder(tmp_path / name, config, seed=1)  # with seed 0 a token of `large` takes another expert
    weights, quant, must_quantize = find(folder, config, setting)
    assert (quant, must_quantize) == (setting, False)
    assert weights != folder
    wide = logits_of(folder, config)
    kept, in_memory = logits_of(weights, config), logits_of(folder, config, quant)
    assert torch.equal(kept, in_memory)
    error = float((kept - wide).norm() / wide.norm())
    # Random weights are the worst case, and the router easily takes another expert; wrong logits would be at 1.4.
    assert 1e-4 < error < (0.05 if setting == "int8" else 0.5)


def test_int4_that_is_made_over_code_is_nearer_to_the_wide_weights_on_code(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "m", QWEN)
    code = list(Path(__file__).read_bytes()[-200:])
    wide, errors = logits_with(load_model(folder, config_of(QWEN), torch.float32, CPU), code), []
    runs: list[RunModel] = [run_over(folder, QWEN), lambda source: None]
    for run in runs:
        with Checkpoint(folder, torch.float32, CPU) as checkpoint:
            tensors = quantize_in_memory(checkpoint, wanted_tensors(config_of(QWEN)), "int4", run)
        errors.append((logits_with(load_decoder(config_of(QWEN), tensors, CPU), code) - wide).norm())
    assert errors[0] < 0.9 * errors[1]


def test_what_errors_would_hurt_most_stays_wide() -> None:
    for config in CONFIGS.values():
        matrices = wanted_tensors(config_of(config)).matrices
        small = ("norm", "bias", "mlp.gate.weight")
        assert not [name for name in matrices if any(part in name for part in small)]
        head = "model.embed_tokens.weight" if config["tie_word_embeddings"] else "lm_head.weight"
        precise = ("kv_a_proj", "kv_b_proj", "q_a_proj")
        assert {matrices[n] for n in matrices if n == head or any(part in n for part in precise)} == {"int8"}
        assert len([n for n in matrices if "layers" in n]) >= 3 * 5


def test_narrow_dense_models_have_five_bits_and_the_keys_and_values_of_wide_ones() -> None:
    def forms(config: dict[str, Any]) -> dict[str, set[Quant]]:
        matrices = wanted_tensors(config_of(config)).matrices
        forms: dict[str, set[Quant]] = {}
        for name in matrices:
            forms.setdefault(name.split(".")[-2], set()).add(matrices[name])
        return forms

    layers = ("q_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
    for narrow in (QWEN, CODER_V1):
        assert all(forms(narrow)[name] == {"int5"} for name in (*layers, "k_proj", "v_proj"))
    assert forms(CODER_V1)["embed_tokens"] == {"int5"}
    assert forms(QWEN)["embed_tokens"] == {"int8"}  # it is the head
    wide = forms(RELEASED_1_5B | {"tie_word_embeddings": False})
    assert all(wide[name] == {"int4"} for name in (*layers, "embed_tokens"))
    assert wide["k_proj"] == wide["v_proj"] == {"int5"}
    assert all(forms(MOE)[name] == {"int4"} for name in layers if name in forms(MOE))


def test_the_size_that_is_computed_is_that_of_the_copy(tmp_path: Path) -> None:
    for name, config in CONFIGS.items():
        folder = write_folder(tmp_path / name, config)
        computed = wanted_tensors(config_of(config)).sizes_bytes(wide_itemsize=4)
        kept = [load_file(find(folder, config, form)[0] / "model.safetensors") for form in MADE]
        sizes = [sum(tensor.nbytes for tensor in tensors.values()) for tensors in kept]
        assert sizes == [computed["int8"], computed["int4"]]


def test_a_model_that_is_stored_with_four_bits_keeps_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As earlier versions made it: a copy for the native step has each matrix in the form in which it is stored."""
    folder = write_folder(tmp_path / "m", QWEN)
    with monkeypatch.context() as earlier:
        earlier.setattr(smallest_form, "NARROW", 0)
        (find(folder, QWEN, "int4")[0] / "model.safetensors").rename(folder / "model.safetensors")
    parsed = config_of(QWEN)
    wanted, run = wanted_tensors(parsed), run_over(folder, QWEN)
    copy, quant, _ = find_weights(folder, wanted, torch.float32, "auto", run, unknown_ms, is_native=True)
    assert (copy != folder, quant) == (True, "int4")
    name = "model.layers.0.mlp.up_proj.weight"
    with Checkpoint(folder, torch.float32, CPU) as stored, Checkpoint(copy, torch.float32, CPU) as kept:
        assert wanted.matrices[name] == "int5"
        native = kept.load_native(name, (96, 64))
        assert native is not None
        matrix, expected = unpack_groups(native), stored.load_matrix(name, (96, 64))
    assert matrix.quant == expected.quant == "int4"
    assert all(torch.equal(*pair) for pair in zip(matrix.tensors, expected.tensors, strict=True))


@pytest.mark.parametrize("setting", MADE)
@pytest.mark.parametrize("is_native", [False, True])
def test_the_projections_of_latents_are_int8_and_those_up_lie_row_by_row(
    is_native: bool, setting: QuantSetting, tmp_path: Path
) -> None:
    folder, config = write_folder(tmp_path / "m", MOE), config_of(MOE)
    wanted = wanted_tensors(config)
    kept, _, _ = find_weights(
        folder, wanted, torch.bfloat16, setting, run_over(folder, MOE), unknown_ms, is_native=is_native
    )
    prefix = "model.layers.1.self_attn."
    up, down = prefix + "kv_b_proj.weight", prefix + "kv_a_proj_with_mqa.weight"
    with Checkpoint(folder, torch.float32, CPU) as wide, Checkpoint(kept, torch.bfloat16, CPU) as checkpoint:
        matrix = checkpoint.load_rows(up, as_pair(wanted.shapes[up]))
        assert matrix.quant == "int8"
        expected = wide.load(up, wanted.shapes[up])
        assert (dequantize(matrix, torch.float32) - expected).norm() < 0.01 * expected.norm()
        native = checkpoint.load_native(down, as_pair(wanted.shapes[down]))
        assert (native is not None) == is_native
        restored = checkpoint.load_matrix(down, as_pair(wanted.shapes[down])) if native is None else unpack_int8(native)
        assert restored.quant == "int8"
        expected = wide.load(down, wanted.shapes[down])
        assert (dequantize(restored, torch.float32) - expected).norm() < 0.01 * expected.norm()


def as_pair(shape: tuple[int, ...]) -> tuple[int, int]:
    rows, columns = shape
    return rows, columns


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


def test_the_earlier_int4_form_is_refused_with_what_to_do(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "m", QWEN)
    kept, _, _ = find(folder, QWEN, "int4")
    earlier: dict[str, torch.Tensor] = {}
    for name, tensor in load_file(kept / "model.safetensors").items():
        if name.endswith(".offset"):
            zero = name.removesuffix(".offset") + ".zero"
            earlier |= {zero: tensor.bfloat16(), name.removesuffix(".offset") + ".scale": tensor.bfloat16()}
        elif name not in earlier and not name.endswith(".row"):
            earlier[name] = tensor
    save_file(earlier, folder / "model.safetensors")
    with pytest.raises(ModelError, match=r"its int4 weights are of an earlier form; import the wide weights again"):
        find(folder, QWEN, "auto")


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
RELEASED_0_5B = QWEN | {
    "vocab_size": 151936,
    "hidden_size": 896,
    "intermediate_size": 4864,
    "num_hidden_layers": 24,
    "num_attention_heads": 14,
    "head_dim": 64,
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
    ("config", "gb_per_s", "total_gb", "available_gb", "quant"),
    [
        (RELEASED_LITE, 100, 64, 60, "int8"),
        (RELEASED_LITE, 100, 64, 22, "int8"),  # the others' memory is not taken
        (RELEASED_LITE, 100, 24, 24, "int4"),  # int8 does not fit
        (RELEASED_LITE, 44, 64, 60, "int4"),  # a token would take 58 ms
        (RELEASED_1_5B, 44, 64, 60, "int8"),
        (RELEASED_1_5B, 44, 4, 3, "int8"),
        (RELEASED_1_5B, 25, 64, 60, "int4"),
        (RELEASED_1_5B, 2, 64, 60, "int4"),  # nothing is fast here, and int4 is fastest
        (QWEN, 2, 64, 60, "wide"),  # tiny
    ],
)
def test_the_default_is_what_a_user_waits_for_within_what_fits(
    config: dict[str, Any],
    gb_per_s: float,
    total_gb: int,
    available_gb: int,
    quant: DefaultForm,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    memory = Memory(total_gb * 10**9, available_gb * 10**9)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    parsed = config_of(config)
    sizes_bytes = wanted_tensors(parsed).sizes_bytes(wide_itemsize=2)
    chosen = choose_form(
        sizes_bytes, weights_budget_bytes(), partial(machine(gb_per_s).token_ms, parsed.active_weights)
    )
    assert chosen == quant
    assert sizes_bytes[quant] < memory.available


@pytest.mark.parametrize(
    ("config", "is_tied", "theirs_bytes"),
    [
        (RELEASED_0_5B, False, 491_400_064),
        (RELEASED_0_5B, True, 398_000_000),
        (RELEASED_1_5B, False, 1_117_320_768),
        (RELEASED_1_5B, True, 986_000_000),
    ],
)
def test_int4_takes_no_more_bytes_than_a_q4_k_m_file(config: dict[str, Any], is_tied: bool, theirs_bytes: int) -> None:
    parsed = config_of(config | {"tie_word_embeddings": is_tied})
    assert 0.9 * theirs_bytes < wanted_tensors(parsed).sizes_bytes(wide_itemsize=2)["int4"] < theirs_bytes


def test_a_choice_of_the_user_asks_for_no_measurement(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "m", QWEN)
    assert find(folder, QWEN, "none")[1] == "wide"
    assert find(folder, QWEN, "int8")[1] == "int8"
    assert find(folder, QWEN, "auto")[1] == "wide"  # it is tiny


def test_a_model_that_does_not_fit_is_loaded_as_small_as_can_be_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder = write_folder(tmp_path / "m", QWEN)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory(1000, 1000))
    with caplog.at_level(logging.WARNING):
        assert find(folder, QWEN, "auto")[1] == "int4"
    assert "take a smaller model" in caplog.text
