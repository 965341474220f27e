"""Turns the vocabulary of a GGUF file into tokenizer.json."""

import json
from collections.abc import Mapping
from enum import IntEnum
from importlib import resources
from reprlib import repr  # shortens a long value to what fits in a message
from typing import Any, TypeVar

from inference.store.gguf_file import GgufFile
from midspan import ModelError

T = TypeVar("T", str, int)


class TokenType(IntEnum):
    """The token types of GGUF, as llama.cpp reads them."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5  # fills the rows of the embedding that have no token
    BYTE = 6


def tokenizer_from_gguf(file: GgufFile) -> dict[str, Any]:
    """Build tokenizer.json. Raises ModelError for a tokenizer of a kind that Midspan does not run."""
    pipeline = _pipeline(file)
    tokens = _array(file, "tokens", str)
    types = _array(file, "token_type", int)
    if len(tokens) != len(types):
        raise ModelError(f"{file.path}: has {len(tokens)} tokens and {len(types)} token types; fetch it again")
    if odd := set(types) - {TokenType.NORMAL, TokenType.CONTROL, TokenType.USER_DEFINED, TokenType.UNUSED}:
        raise ModelError(f"{file.path}: has tokens of type {min(odd)}, which no byte-level vocabulary has")
    vocabulary = {token: i for i, (token, kind) in enumerate(zip(tokens, types, strict=True)) if kind == 1}
    added = [
        {
            "id": i,
            "content": token,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": pipeline["added_tokens_normalized"],
            "special": kind == TokenType.CONTROL,
        }
        for i, (token, kind) in enumerate(zip(tokens, types, strict=True))
        if kind in (TokenType.CONTROL, TokenType.USER_DEFINED)
    ]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": pipeline["normalizer"],
        "pre_tokenizer": pipeline["pre_tokenizer"],
        "post_processor": pipeline["post_processor"],
        "decoder": pipeline["decoder"],
        "model": pipeline["model"] | {"vocab": vocabulary, "merges": _merges(file, vocabulary)},
    }


def _merges(file: GgufFile, vocabulary: Mapping[str, int]) -> list[Any]:
    """Read the merges. Raises ModelError for a merge of unknown tokens, with which the tokenizers library crashes."""
    merges = _array(file, "merges", str)
    for merge in merges:
        left, _, right = merge.partition(" ")
        if not (left in vocabulary and right in vocabulary and left + right in vocabulary):
            raise ModelError(f"{file.path}: its merge {repr(merge)} is not made of its tokens; fetch it again")
    return merges


def _pipeline(file: GgufFile) -> dict[str, Any]:
    """Return the steps before and after the merges, which the file only names."""
    model = file.metadata.get("tokenizer.ggml.model")
    if model != "gpt2":
        raise ModelError(f"{file.path}: its tokenizer is {repr(model)}; Midspan runs byte-level BPE (gpt2)")
    known: dict[str, dict[str, Any]] = json.loads(
        resources.files("inference.store").joinpath("pre_tokenizers.json").read_text(encoding="utf-8")
    )
    name = file.metadata.get("tokenizer.ggml.pre")
    if not isinstance(name, str) or name not in known:
        raise ModelError(
            f"{file.path}: its pre-tokenizer is {repr(name) if name else 'not named'}; Midspan knows "
            f"{', '.join(known)}: take a file that a newer llama.cpp converted, or import the released safetensors "
            f"folder"
        )
    return known[name]


def _array(file: GgufFile, name: str, kind: type[T]) -> list[T]:
    value = file.metadata.get(f"tokenizer.ggml.{name}")
    if not isinstance(value, list):
        raise ModelError(f"{file.path}: has no tokenizer.ggml.{name}, so it has no whole vocabulary; take another file")
    if any(type(item) is not kind for item in value):
        raise ModelError(f"{file.path}: tokenizer.ggml.{name} holds values that are not of type {kind.__name__}")
    return value
