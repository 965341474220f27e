"""The models of the comparison, each as a folder for Midspan and as GGUF files of equal bits for the others."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from benchmarks.peers.random_deepseek import write_folder, write_gguf
from inference.store.import_model import import_model
from inference.store.model_store import ModelStore
from midspan import ModelError

Form = Literal["int4", "int8"]
FORMS: tuple[Form, ...] = get_args(Form)
# The types of llama-quantize with as many bits.
THEIR_TYPES: Mapping[Form, str] = {"int4": "Q4_K_M", "int8": "Q8_0"}


@dataclass(frozen=True)
class ComparedModel:
    """A model. `given` is its GGUF file in Q4_K_M, which the user has fetched; None: the random model."""

    name: str
    given: str | None
    contexts: tuple[int, ...]


MODELS = {
    model.name: model
    for model in (
        ComparedModel("qwen-0.5b", "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf", (32, 2048, 8192)),
        ComparedModel("qwen-1.5b", "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf", (32, 2048, 8192)),
        ComparedModel("deepseek-518m", None, (32, 2048, 8192, 16384)),
    )
}


@dataclass(frozen=True)
class ModelFiles:
    """The folder of the given GGUF files. All that is made of them is kept there too, for the next run."""

    root: Path

    def folder(self, model: ComparedModel) -> Path:
        """Return our folder of a model, with wide weights; make it at the first call. Raises ModelError."""
        store = ModelStore(self.root)
        if model.name in store.names():
            return store.folder(model.name)
        if model.given is not None:
            return import_model(store, self._given(model.given), model.name, "bfloat16")
        folder = store.folder(model.name)
        write_folder(folder)
        return folder

    def gguf(self, model: ComparedModel, form: Form, llama_cpp: Path) -> Path:
        """Return the GGUF file with as many bits as our `form`; make it at the first call. Raises ModelError."""
        kind = THEIR_TYPES[form]
        if model.given is not None and kind == "Q4_K_M":
            return self._given(model.given)
        path = self.root / f"{model.name}-{kind}.gguf"
        if path.exists():
            return path
        if model.given is not None:
            _quantize(llama_cpp, self._given(model.given), path, kind)
            return path
        wide = self.root / f"{model.name}-F16.gguf"
        write_gguf(self.folder(model), wide)
        _quantize(llama_cpp, wide, path, kind)
        wide.unlink()
        return path

    def _given(self, name: str) -> Path:
        path = self.root / name
        if not path.exists():
            raise ModelError(f"{path} is missing; `midspan model pull` fetches it, see docs/models-and-hardware.md")
        return path


def _quantize(llama_cpp: Path, source: Path, target: Path, kind: str) -> None:
    partial = target.with_suffix(".partial")
    command = [llama_cpp / "llama-quantize", "--allow-requantize", source, partial, kind]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if done.returncode:
        raise ModelError(f"llama-quantize makes no {kind} of {source}: {done.stderr[-500:]}")
    partial.rename(target)
