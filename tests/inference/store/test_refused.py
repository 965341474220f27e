"""Files that are no whole model of a known kind are refused by name, and leave nothing behind."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from inference.store.import_model import import_model
from inference.store.model_store import ModelStore
from midspan import ModelError
from tests.inference.folders import write_folder
from tests.inference.store.gguf_models import as_gguf, read_tokenizer

WEIGHTS = "model.safetensors"


def files_of(store: ModelStore) -> list[Path]:
    return [path for path in store.root.rglob("*") if path.is_file() and path.name != "lock"]


def test_merges_that_are_no_tokens_are_refused(store: ModelStore, released: Path, tmp_path: Path) -> None:
    tokenizer = read_tokenizer(released)
    tokenizer["model"]["merges"] = ["a b"]
    (released / "tokenizer.json").write_text(json.dumps(tokenizer))
    with pytest.raises(ModelError, match=r"its merge 'a b' is not made of its tokens"):
        import_model(store, as_gguf(released, tmp_path / "m.gguf"), None)
    assert files_of(store) == []


@pytest.mark.parametrize("keep", [2, 12, 3000, 0.5, 0.99])
def test_a_truncated_gguf_is_refused(keep: float, store: ModelStore, released: Path, tmp_path: Path) -> None:
    path = as_gguf(released, tmp_path / "cut.gguf")
    data = path.read_bytes()
    path.write_bytes(data[: int(keep if keep > 1 else keep * len(data))])
    with pytest.raises(ModelError, match=r"cut\.gguf: (is truncated or corrupt|is no GGUF file|ends inside)"):
        import_model(store, path, None)
    assert files_of(store) == []


def test_an_architecture_that_is_not_known_is_refused(store: ModelStore, released: Path, tmp_path: Path) -> None:
    path = as_gguf(released, tmp_path / "other.gguf", architecture="gemma")
    with pytest.raises(ModelError, match="its architecture is gemma; Midspan imports deepseek2, llama, qwen2"):
        import_model(store, path, None)
    assert files_of(store) == []


def change_config(folder: Path, **fields: object) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | fields))


def cut_weights(folder: Path) -> None:
    data = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(data[:-5])


def drop_tensor(folder: Path) -> None:
    weights = load_file(folder / WEIGHTS)
    save_file({name: tensor for name, tensor in weights.items() if name != "model.norm.weight"}, folder / WEIGHTS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (partial(change_config, model_type="mamba"), "'mamba'"),
        (partial(change_config, hidden_size=128), "do not fit config.json"),
        (partial(change_config, vocab_size=100), "has 26. tokens and config.json 100"),
        (cut_weights, "it is truncated"),
        (drop_tensor, "missing model.norm.weight"),
        (lambda folder: (folder / "tokenizer.json").unlink(), "has no tokenizer.json"),
        (lambda folder: (folder / "tokenizer.json").write_text("{}"), "cannot be read"),
        (
            lambda folder: (folder / WEIGHTS).rename(folder / "pytorch_model.bin"),
            r"holds weights as pickle \(pytorch_model.bin\)",
        ),
        (lambda folder: (folder / "config.json").unlink(), "has no config.json"),
    ],
)
def test_a_folder_that_is_no_whole_model_is_refused(
    change: Callable[[Path], object], message: str, store: ModelStore, released: Path
) -> None:
    change(released)
    with pytest.raises(ModelError, match=message) as refused:
        import_model(store, released, None)
    assert str(released) in str(refused.value)
    assert files_of(store) == []


@pytest.mark.parametrize("name", ["../evil", "a/b", ".hidden", "", "x" * 200])
def test_a_name_cannot_leave_the_store(name: str, store: ModelStore, released: Path) -> None:
    if name:
        with pytest.raises(ModelError, match="is not a valid model name"):
            import_model(store, released, name)
    with pytest.raises(ModelError, match="is not a valid model name"):
        store.remove(name)
    assert released.exists()


def test_a_taken_name_is_refused_and_the_model_stays(store: ModelStore, released: Path, tmp_path: Path) -> None:
    first = import_model(store, released, "mine")
    before = (first / WEIGHTS).read_bytes()
    with pytest.raises(ModelError, match="mine: is already here"):
        import_model(store, write_folder(tmp_path / "other", seed=9), "mine")
    assert (first / WEIGHTS).read_bytes() == before
