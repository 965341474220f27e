"""`midspan model import`: makes a GGUF file or a folder of safetensors a model of the store."""

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import gguf

from inference.model_files import CONFIG_FILE, SINGLE_FILE, TOKENIZER_FILE
from inference.models.architecture import parse_config
from inference.models.config_json import read_config_json
from inference.models.identity import is_tuned_by_name, name_of_folder
from inference.store.gguf_config import config_from_gguf
from inference.store.gguf_file import GgufFile, open_gguf
from inference.store.gguf_tensors import released_tensors
from inference.store.gguf_tokenizer import tokenizer_from_gguf
from inference.store.manifest import Manifest, StoredFile, hash_file, write_manifest
from inference.store.model_check import check_model, check_shapes
from inference.store.model_store import ModelStore, checked_name, require_space
from inference.store.released_folder import LICENCE_FOLDER, open_folder
from inference.store.tensor_stream import stream_bytes, write_safetensors
from inference.weights.progress import show_progress
from midspan import ModelError

StoredType = Literal["auto", "bfloat16", "float32"]


def import_model(store: ModelStore, path: Path, name: str | None, dtype: StoredType = "auto") -> Path:
    """Import a model and return its folder. Raises ModelError, and then the store is as it was."""
    given = path.expanduser().absolute()
    path = given.resolve()
    if not path.exists():
        raise ModelError(f"{path}: no such file or folder; import takes a .gguf file or a folder of safetensors")
    # A hub's cache has links with the names of files; what they lead to is called by its checksum.
    title = name_of_folder(path) if path.is_dir() else given.stem
    name = checked_name(name or title)
    command = f"midspan model import {path if path.is_dir() else given}" + ("" if name == title else f" --name {name}")
    with store.making(name, command) as work:
        if path.is_dir():
            finish_folder(path, work.result, str(path), command, title=title, name=name, move=False)
        else:
            finish_gguf(path, work.result, str(path), command, title=title, name=name, dtype=dtype)
    return store.folder(name)


def finish_folder(folder: Path, result: Path, source: str, command: str, *, title: str, name: str, move: bool) -> None:
    """Copy or move a released folder into `result`. `title` is the model's name at its source."""
    released = open_folder(folder)
    check_model(folder, source)
    if not move:
        require_space(result, released.size_bytes)
    if any("/" in name for name in released.files):
        (result / LICENCE_FOLDER).mkdir()
    files = {CONFIG_FILE: _write_json(result / CONFIG_FILE, _titled(read_config_json(folder), title, name))}
    for file, path in released.files.items():
        with show_progress(file, path.stat().st_size) as progress:
            files[file] = hash_file(path, progress, copy_to=None if move else result / file)
    write_manifest(result, Manifest(source, command, released.parameters, files))
    # Last, because a pull that is killed has to fetch again what is in `result`.
    for file, path in released.files.items() if move else ():
        path.rename(result / file)


def finish_gguf(
    path: Path, result: Path, source: str, command: str, *, title: str, name: str, dtype: StoredType = "auto"
) -> None:
    """Unpack a GGUF file into `result`, one block of a tensor at a time."""
    file = open_gguf(path)
    config = config_from_gguf(file)
    parse_config(config, path)  # before its numbers are counted with
    tokenizer = tokenizer_from_gguf(file)
    tensors = released_tensors(file, config)
    stored = ("float32" if _is_wide(file) else "bfloat16") if dtype == "auto" else dtype
    size_bytes = stream_bytes(tensors, stored)
    require_space(result, size_bytes)
    files = {
        CONFIG_FILE: _write_json(result / CONFIG_FILE, _titled(config | {"torch_dtype": stored}, title, name)),
        TOKENIZER_FILE: _write_json(result / TOKENIZER_FILE, tokenizer),
    }
    check_shapes(result, {tensor.name: tensor.shape for tensor in tensors}, source)
    with show_progress(f"unpacking {title}", size_bytes) as progress:
        files[SINGLE_FILE] = write_safetensors(result / SINGLE_FILE, tensors, stored, progress)
    parameters = sum(math.prod(tensor.shape) for tensor in tensors)
    write_manifest(result, Manifest(source, command, parameters, files))


def _is_wide(file: GgufFile) -> bool:
    """Return whether the file's matrices have more digits than bfloat16 keeps."""
    return all(t.kind == gguf.GGMLQuantizationType.F32 for t in file.tensors.values() if len(t.shape) > 1)


def _titled(config: Mapping[str, Any], title: str, name: str) -> dict[str, Any]:
    """Note that a model is tuned for chat where its new name no longer says so."""
    if is_tuned_by_name(title) and not is_tuned_by_name(name):
        return {**config, "midspan": {"tuned_for_chat": True, **(config.get("midspan") or {})}}
    return dict(config)


def _write_json(path: Path, content: Mapping[str, Any]) -> StoredFile:
    data = json.dumps(content, indent=2).encode()
    path.write_bytes(data)
    return StoredFile(len(data), hashlib.sha256(data).hexdigest())
