"""An imported model has the weights, the shape and the tokenizer that it had."""

import json
import os
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer as HfTokenizer
from tokenizers.trainers import BpeTrainer

from inference.models.architecture import parse_config
from inference.models.description import read_description
from inference.store.gguf_file import open_gguf
from inference.store.import_model import import_model
from inference.store.model_store import ModelStore
from tests.inference.folders import CODER_V1, LARGE, LITE, MSCALE_ONE, QWEN, write_folder
from tests.inference.store.gguf_models import as_gguf, read_tokenizer

Kind = gguf.GGMLQuantizationType
WEIGHTS = "model.safetensors"
MODELS = {"lite": LITE, "large": LARGE, "mscale_one": MSCALE_ONE, "coder_v1": CODER_V1, "qwen": QWEN}


def assert_same_shape(found: dict[str, Any], released: dict[str, Any], folder: Path) -> None:
    """Check that two configs describe the same model."""
    assert parse_config(found, folder) == parse_config(released, folder)


@pytest.mark.parametrize("name", MODELS)
def test_a_gguf_holds_the_released_weights_and_config(name: str, store: ModelStore, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "released", MODELS[name])
    imported = import_model(store, as_gguf(folder, tmp_path / f"{name}.gguf"), None)
    expected, found = load_file(folder / WEIGHTS), load_file(imported / WEIGHTS)
    assert found.keys() == expected.keys()
    for tensor, values in expected.items():
        assert torch.equal(found[tensor], values), tensor
    assert_same_shape(json.loads((imported / "config.json").read_text()), MODELS[name], folder)


@pytest.mark.parametrize("kind", [Kind.F16, Kind.BF16, Kind.Q8_0])
def test_a_packed_gguf_is_unpacked_to_bfloat16(kind: Kind, store: ModelStore, tmp_path: Path) -> None:
    """The model has columns of 96 and 64: whole blocks of 32."""
    folder = write_folder(tmp_path / "released", QWEN)
    imported = load_file(import_model(store, as_gguf(folder, tmp_path / "m.gguf", kind), None) / WEIGHTS)
    for name, values in load_file(folder / WEIGHTS).items():
        packed = gguf.quants.quantize(values.numpy(), kind if values.ndim > 1 else Kind.F32)
        unpacked = gguf.quants.dequantize(packed, kind) if values.ndim > 1 else packed
        assert torch.equal(imported[name], torch.from_numpy(np.array(unpacked)).bfloat16()), name


@pytest.mark.parametrize("kind", [Kind.Q4_K, Kind.Q5_K, Kind.Q6_K])
def test_k_quants_are_unpacked_in_blocks_as_in_one_piece(
    kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inference.store.gguf_file.BLOCK_VALUES", 1000)
    rows, columns = 7, 512
    values_each, bytes_each = gguf.GGML_QUANT_SIZES[kind]
    packed = np.random.default_rng(3).integers(0, 60, (rows, columns // values_each * bytes_each), dtype=np.uint8)
    writer = gguf.GGUFWriter(tmp_path / "k.gguf", "qwen2")
    writer.add_tensor("token_embd.weight", packed, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    tensor = open_gguf(tmp_path / "k.gguf").tensors["token_embd.weight"]
    assert tensor.shape == (rows, columns)
    blocks = list(tensor.blocks(0, rows))
    assert len(blocks) == rows
    np.testing.assert_array_equal(np.concatenate(blocks), gguf.quants.dequantize(packed, kind))


@pytest.mark.parametrize("name", ["lite", "coder_v1", "qwen"])
def test_the_tokenizer_in_a_gguf_is_the_released_one(name: str, store: ModelStore, tmp_path: Path) -> None:
    """A vocabulary with merges, trained on this file: split, merged and added tokens give the same ids."""
    folder = write_folder(tmp_path / "released", MODELS[name] | {"vocab_size": 700})
    text = Path(__file__).read_text(encoding="utf-8")
    first = import_model(store, as_gguf(folder, tmp_path / "first.gguf"), None)
    trained = HfTokenizer.from_file(str(first / "tokenizer.json"))
    trained.train_from_iterator(
        [text], BpeTrainer(vocab_size=600, initial_alphabet=list(read_tokenizer(folder)["model"]["vocab"]))
    )
    definition = json.loads(trained.to_str())
    definition["model"]["merges"] = [" ".join(pair) for pair in definition["model"]["merges"]]
    released = read_tokenizer(folder)
    for position, added in enumerate(released["added_tokens"]):
        added["id"] = 600 + position
    (folder / "tokenizer.json").write_text(json.dumps(definition | {"added_tokens": released["added_tokens"]}))
    imported = import_model(store, as_gguf(folder, tmp_path / "second.gguf"), None)
    ours, theirs = (HfTokenizer.from_file(str(f / "tokenizer.json")) for f in (imported, folder))
    sentinel = released["added_tokens"][2]["content"]
    for sample in (text, "héllo  wörld\r\n\n\tx=1234567;  '''日本語''' 's", f"a{sentinel}b", "\u0065\u0301"):
        assert ours.encode(sample).ids == theirs.encode(sample).ids
    assert len(ours.encode(text).ids) < len(text) * 0.8  # merges do take place


def test_a_released_folder_is_taken_in_as_it_is(store: ModelStore, released: Path) -> None:
    (released / "LICENSE").write_text("free")
    (released / "modeling_code.py").write_text("raise SystemExit")
    imported = import_model(store, released, None)
    assert sorted(path.name for path in imported.iterdir()) == [
        "LICENSE",
        "config.json",
        "midspan.json",
        WEIGHTS,
        "tokenizer.json",
    ]
    assert (imported / WEIGHTS).read_bytes() == (released / WEIGHTS).read_bytes()


def test_a_model_has_the_name_that_it_was_given_and_stays_tuned_for_chat(store: ModelStore, tmp_path: Path) -> None:
    imported = import_model(store, write_folder(tmp_path / "Lite-Instruct"), "mine")
    identity = read_description(imported).identity
    assert (identity.name, identity.chat_advice) == ("mine", None)
    again = import_model(store, imported, "again")
    assert (read_description(again).identity.name, read_description(again).identity.chat_advice) == ("again", None)


def test_a_gguf_file_of_a_hubs_cache_has_the_name_of_its_link(store: ModelStore, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "released", MODELS["qwen"])
    link = tmp_path / "snapshots" / "Lite-Instruct.gguf"
    link.parent.mkdir()
    link.symlink_to(as_gguf(folder, tmp_path / f"{'0123456789abcdef' * 4}.gguf"))
    identity = read_description(import_model(store, link, None)).identity
    assert (identity.name, identity.chat_advice) == ("Lite-Instruct", None)


def test_a_model_gets_its_name_once_the_disk_has_all_of_it(
    store: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut would leave a model of the right size with zeros in it."""
    sync, synced = os.fsync, dict[int, int]()

    def sync_and_note(descriptor: int) -> None:
        sync(descriptor)
        assert not store.names()
        found = os.fstat(descriptor)
        synced[found.st_ino] = found.st_size

    monkeypatch.setattr(os, "fsync", sync_and_note)
    imported = import_model(store, write_folder(tmp_path / "released", QWEN), None)
    files = [path.stat() for path in imported.rglob("*") if path.is_file()]
    assert synced == {file.st_ino: file.st_size for file in files}
