"""Quantized models: the form of each matrix, the loaded weights, and the output."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from inference.api import EngineSettings, QuantSetting
from inference.loader import load_model, wanted_tensors
from inference.local_engine import LocalEngine
from inference.models.load import load_decoder
from inference.weights import smallest_form
from inference.weights.checkpoint import Checkpoint
from inference.weights.matrix import Quant, dequantize
from inference.weights.native_layout import unpack_groups, unpack_int8
from inference.weights.quant_choice import find_weights
from inference.weights.quantize import RunModel, quantize_in_memory
from midspan import ModelError
from tests.inference.folders import CODER_V1, QWEN, config_of, write_folder
from tests.inference.generate import generate
from tests.inference.weights.quantized import (
    CODE,
    CONFIGS,
    CPU,
    MADE,
    MOE,
    RELEASED_1_5B,
    find,
    logits_of,
    logits_with,
    run_over,
    unknown_ms,
)

TOKENS = list(range(1, 80))


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
    code = 3 * CODE
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
